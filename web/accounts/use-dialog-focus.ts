/** Where the keyboard stands while a form in a dialog changes. */
import { type RefObject, useEffect } from 'react'

/** Each time `moment` changes, the first field at fault has the focus; without one, the first field. */
export function useFieldFocus(form: RefObject<HTMLElement | null>, moment: unknown): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the moment is what it waits for
  useEffect(() => {
    const fields = 'input, select, textarea'
    const target =
      form.current?.querySelector<HTMLElement>('[aria-invalid="true"]') ??
      form.current?.querySelector<HTMLElement>(fields)
    target?.focus()
  }, [form, moment])
}
