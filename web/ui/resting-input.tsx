/** A debounced input that filters a list. */
import { type ComponentProps, useEffect, useState } from 'react'
import { Input } from './field.tsx'

const restMs = 300

/**
 * A filter input.
 * @param text The value in the address.
 */
export function RestingInput({
  text,
  onRest,
  ...rest
}: Omit<ComponentProps<typeof Input>, 'value' | 'onChange'> & { text: string; onRest(text: string): void }) {
  const [typed, setTyped] = useState(text)
  const [known, setKnown] = useState(text)
  // The back button changes the address; the input follows it.
  if (known !== text) {
    setKnown(text)
    setTyped(text)
  }
  useEffect(() => {
    if (typed === text) return
    const timer = setTimeout(() => onRest(typed), restMs)
    return () => clearTimeout(timer)
  }, [typed, text, onRest])
  return (
    <Input
      type="search"
      autoComplete="off"
      autoCapitalize="none"
      spellCheck={false}
      {...rest}
      value={typed}
      onChange={event => setTyped(event.target.value)}
    />
  )
}
