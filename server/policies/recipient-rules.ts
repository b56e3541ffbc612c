/** Decides which recipients a list of addresses and domains allows. */
import { addressForm, domainOfForm, nameForm } from './address-form.ts'

/** Rules are `anne@example.com`, or `@example.com` for every address of exactly that domain. */
export class RecipientRules {
  readonly #addresses = new Set<string>()
  readonly #domains = new Set<string>()

  constructor(rules: readonly string[]) {
    for (const rule of rules) {
      // An invalid rule allows no one.
      const domain = rule.startsWith('@') ? nameForm(rule.slice(1)) : undefined
      const address = rule.startsWith('@') ? undefined : addressForm(rule)
      if (domain !== undefined) this.#domains.add(domain)
      if (address !== undefined) this.#addresses.add(address)
    }
  }

  allows(email: string): boolean {
    const form = addressForm(email)
    return form !== undefined && (this.#addresses.has(form) || this.#domains.has(domainOfForm(form)))
  }
}
