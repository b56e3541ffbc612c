/** Broadcasts changes of principals to all components that hold something open for them; they join when constructed. */
import type { Principal, PrincipalListener } from './principal.ts'

export class PrincipalNews implements PrincipalListener {
  readonly #listeners: PrincipalListener[] = []

  /** Adds a listener; listeners are called in the order of joining. */
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
