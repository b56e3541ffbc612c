/** Client-side validation of the access forms, before the server is asked. */
import type { Faults } from '../ui/use-form.ts'
import { shortestPassword } from './password-hint.ts'

type Check = (value: string) => string | undefined

export const checks = {
  email: value =>
    /^[^@\s]+@[^@\s]+$/.test(value.trim()) ? undefined : 'Enter the full address, such as anna@example.org',
  name: value => (value.trim() === '' ? 'Enter a name' : undefined),
  password: value => (value === '' ? 'Enter the password' : undefined),
  newPassword: value => (value.length < shortestPassword ? `Enter at least ${shortestPassword} characters` : undefined),
  code: value => (/^\d{6}$/.test(plainCode(value)) ? undefined : 'Enter the 6 digits from your authenticator'),
  recoveryCode: value => (value.trim().length < 6 ? 'Enter one of your recovery codes' : undefined),
} satisfies Record<string, Check>

/** Combines checks of fields into the check of a form: `checkAll({ email: checks.email })`. */
export function checkAll<Name extends string>(each: Partial<Record<Name, Check>>) {
  return (values: Record<Name, string>): Faults<Name> => {
    const faults: Faults<Name> = {}
    for (const name of Object.keys(values) as Name[]) {
      const fault = each[name]?.(values[name])
      if (fault !== undefined) faults[name] = fault
    }
    return faults
  }
}

/** Strips the space that authenticators show: `123 456`. */
export function plainCode(code: string): string {
  return code.replaceAll(/\s/g, '')
}
