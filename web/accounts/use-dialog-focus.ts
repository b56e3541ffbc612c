/** Manages the focus while the form in a dialog changes. */
import { type RefObject, useEffect } from 'react'

/** Focuses the first invalid field, or else the first field, each time `moment` changes. */
export function useFieldFocus(form: RefObject<HTMLElement | null>, moment: unknown): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs when `moment` changes
  useEffect(() => {
    const fields = 'input, select, textarea'
    const target =
      form.current?.querySelector<HTMLElement>('[aria-invalid="true"]') ??
      form.current?.querySelector<HTMLElement>(fields)
    target?.focus()
  }, [form, moment])
}
