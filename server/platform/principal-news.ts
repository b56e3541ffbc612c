/** Passes on what becomes of principals to all who hold something open for them; they join as they are made. */
import type { Principal, PrincipalListener } from './principal.ts'

export class PrincipalNews implements PrincipalListener {
  readonly #listeners: PrincipalListener[] = []

  /** Hears of every change from here on, in the order of joining. */
  join(listener: PrincipalListener): void {
    this.#listeners.push(listener)
  }

  changed(principal: Principal): void {
    for (const listener of this.#listeners) listener.changed(principal)
  }

  revoked(principalId: string): void {
    for (const listener of this.#listeners) listener.revoked(principalId)
  }
}
