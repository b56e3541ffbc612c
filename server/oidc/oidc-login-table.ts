/** Sign-ins that wait for their return from the provider, each bound to one browser. */
import { randomBytes } from 'node:crypto'
import { siteOf } from '../platform/network/caller-address.ts'
import type { LoginSecrets } from './oidc-client.ts'

export interface WaitingLogin extends LoginSecrets {
  /** A path of our own. */
  readonly returnTo: string
  /** The address; for IPv6 its /48 network. */
  readonly place: string
  readonly endsAt: number
}

export const loginLifeMs = 10 * 60_000
/** Upper bound of waiting sign-ins; beyond it the oldest is evicted. */
const maxWaiting = 1_000
/** Upper bound per place, so that a flood evicts only its own. */
const maxWaitingOfAddress = 100

export class OidcLoginTable {
  readonly #now: () => number
  /** Sign-ins by the browser's key, in order of expiry, since all have the same lifetime. */
  readonly #logins = new Map<string, WaitingLogin>()

  constructor({ now }: { now: () => number }) {
    this.#now = now
  }

  /** Begins a sign-in; the key is stored only in the browser's cookie. */
  begin(returnTo: string, address: string): { key: string; login: WaitingLogin } {
    const place = siteOf(address)
    this.#makeRoom(place)
    const key = randomText()
    const endsAt = this.#now() + loginLifeMs
    const login = { state: randomText(), nonce: randomText(), verifier: randomText(), returnTo, place, endsAt }
    this.#logins.set(key, login)
    return { key, login }
  }

  /** Returns where the browser wanted to go, also of an expired sign-in while it is remembered. */
  returnTo(key: string): string | undefined {
    return this.#logins.get(key)?.returnTo
  }

  /**
   * Takes a sign-in once. A wrong state uses nothing up, so that a page that sends the browser here cannot spoil it.
   */
  take(key: string, state: string): WaitingLogin | 'unknown' | 'wrong_state' {
    const login = this.#logins.get(key)
    if (!login || this.#now() >= login.endsAt) return 'unknown'
    if (login.state !== state) return 'wrong_state'
    this.#logins.delete(key)
    return login
  }

  #makeRoom(place: string): void {
    const now = this.#now()
    for (const [key, login] of this.#logins) {
      if (now < login.endsAt) break
      this.#logins.delete(key)
    }
    const ofAddress = [...this.#logins].filter(([, login]) => login.place === place)
    const oldest = ofAddress.length >= maxWaitingOfAddress ? ofAddress[0]?.[0] : undefined
    if (oldest !== undefined) this.#logins.delete(oldest)
    const first = this.#logins.keys().next().value
    if (this.#logins.size >= maxWaiting && first !== undefined) this.#logins.delete(first)
  }
}

function randomText(): string {
  return randomBytes(32).toString('base64url')
}
