/** Where the keyboard stands while a dialog opens, changes and closes. */
import { type RefObject, useEffect, useState } from 'react'

/** When the component goes away, the focus returns to what had it before, or else to the content of the page. */
export function useReturnFocus(): void {
  const [opener] = useState(() => document.activeElement)
  useEffect(
    () => () => {
      const isUsable = opener instanceof HTMLElement && opener !== document.body && opener.isConnected
      const target = isUsable ? opener : document.getElementById('content')
      target?.focus()
    },
    [opener],
  )
}

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
