/** Links by which users set a password: at most one per user, each used once, stored only as a hash. */
import { hash, randomBytes } from 'node:crypto'
import type { Database } from '../platform/database/database.ts'
import { Problem } from '../platform/problem.ts'
import type { UserStore } from './user-store.ts'
import type { UserRow } from './user-tables.ts'

export interface UserLinksOptions {
  store: UserStore
  now: () => number
  /** The base URL of RustyMail, without a trailing slash. */
  baseUrl: () => string
}

export class UserLinks {
  readonly #options: UserLinksOptions

  constructor(options: UserLinksOptions) {
    this.#options = options
  }

  /** Creates a link; the previous one becomes invalid. */
  async renew(userId: string, lifeMs: number, transaction: Database): Promise<{ link: string; expires_at: string }> {
    const { store, now, baseUrl } = this.#options
    const token = randomBytes(32).toString('base64url')
    const expires_at = new Date(now() + lifeMs).toISOString()
    await store.deleteLinksOf(userId, transaction)
    await store.insertLink({ token_hash: hashOf(token), user_id: userId, expires_at }, transaction)
    // The token is in the fragment, so that it appears in no log of a server or proxy.
    return { link: `${baseUrl()}/invitation#${token}`, expires_at }
  }

  /** Returns the user of a link; throws the same words for every invalid link. */
  async open(token: string, transaction?: Database): Promise<{ user: UserRow; expiresAt: string }> {
    const { store, now } = this.#options
    const link = await store.findLink(hashOf(token), transaction)
    const user = link && (await store.find(link.user_id, transaction))
    if (!user || user.disabled || now() >= Date.parse(link.expires_at)) {
      const detail = 'This link was already used, has expired, or was replaced by a newer one. Ask for a new one.'
      throw new Problem('link_invalid', detail)
    }
    return { user, expiresAt: link.expires_at }
  }
}

function hashOf(token: string): string {
  return hash('sha256', token, 'hex')
}
