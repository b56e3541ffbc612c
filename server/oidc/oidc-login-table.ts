/** Sign-ins that wait for their return from the provider, each bound to one browser. */
import { randomBytes } from 'node:crypto'
import { siteOf } from '../platform/network/caller-address.ts'
import type { LoginSecrets } from './oidc-client.ts'

export interface WaitingLogin extends LoginSecrets {
  /** A path of ours. */
  readonly returnTo: string
  /** Of an IPv6 address, its network of 48 bits. */
  readonly place: string
  readonly endsAt: number
}

export const loginLifeMs = 10 * 60_000
/** When full, the oldest is evicted. */
const maxWaiting = 1_000
/** From one place, so that a flood from there pushes out its own and nobody else's. */
const maxWaitingOfAddress = 100

export class OidcLoginTable {
  readonly #now: () => number
  /** By the browser's key. All live equally long, so the order is that of their ends. */
  readonly #logins = new Map<string, WaitingLogin>()

  constructor({ now }: { now: () => number }) {
    this.#now = now
  }

  /** The key goes into the browser's cookie and nowhere else. */
  begin(returnTo: string, address: string): { key: string; login: WaitingLogin } {
    const place = siteOf(address)
    this.#makeRoom(place)
    const key = randomText()
    const endsAt = this.#now() + loginLifeMs
    const login = { state: randomText(), nonce: randomText(), verifier: randomText(), returnTo, place, endsAt }
    this.#logins.set(key, login)
    return { key, login }
  }

  /** Where the browser wanted to go; also when it is too late, as long as it is remembered. */
  returnTo(key: string): string | undefined {
    return this.#logins.get(key)?.returnTo
  }

  /** Once. A wrong state uses nothing up: a page that sends the browser here cannot spoil a sign-in that is under way. */
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
