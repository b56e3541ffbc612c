/** An input for a six-digit authenticator code, which phones and password managers can fill in. */
import type { ComponentProps } from 'react'
import { Input } from '../ui/field.tsx'

export function CodeInput(props: ComponentProps<'input'>) {
  return (
    <Input
      {...props}
      className="font-mono tracking-widest"
      inputMode="numeric"
      autoComplete="one-time-code"
      spellCheck={false}
      maxLength={10}
    />
  )
}
