/**
 * Finds out whether the owner of an account has written to an address before, by the To of the owner's messages in sent
 * folders only.
 */
import { lowerAscii } from '../../contract/ascii-case.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import type { MailSearch } from './mail-search.ts'
import { inTurns } from './search-turns.ts'

export interface WrittenToOptions {
  search: Pick<MailSearch, 'searchAccount'>
  /** Paths of the sent folders by role: names can be chosen by anyone who may create folders. */
  sentFolders(accountId: string): Promise<readonly string[]>
  /** Without an index no address counts as known. */
  isIndexed(accountId: string): boolean
  accounts: { get(principal: Principal, accountId: string): Promise<{ email: string }> }
}

/** Addresses per call; further ones count as unknown. */
const mostAsked = 50
const atOnce = 4
const mostHits = 20
/** Addresses that fit into a search term; others count as unknown. */
const plain = /^[^\s"()\\]+@[^\s"()\\]+$/
/** The server itself as principal. */
const self: Principal = {
  ...{ id: 'system', name: 'RustyMail', kind: 'session', userId: null },
  ...{ scopes: everyScope, accounts: 'all' },
}

export function writtenTo({ search, sentFolders, isIndexed, accounts }: WrittenToOptions) {
  return async (accountId: string, emails: readonly string[]): Promise<ReadonlySet<string>> => {
    if (!isIndexed(accountId)) return new Set()
    const folders = await sentFolders(accountId).catch(() => [])
    if (folders.length === 0) return new Set()
    const inSent = folders.map(path => `in:"${path.replaceAll(/["\\]/g, '\\$&')}"`).join(' OR ')
    const where = folders.length === 1 ? inSent : `(${inSent})`
    const own = lowerAscii((await accounts.get(self, accountId)).email)
    const isKnown = async (email: string): Promise<boolean> => {
      const q = `${where} to:"${email}"`
      const asked = { q, sort: 'date', limit: mostHits, server: 'never' } as const
      const { items } = await search.searchAccount(self, accountId, asked, AbortSignal.timeout(5_000))
      return items.some(
        ({ from, to }) =>
          from.some(one => lowerAscii(one.email) === own) &&
          to.some(one => lowerAscii(one.email) === lowerAscii(email)),
      )
    }
    const asked = [...new Set(emails)].filter(email => plain.test(email)).slice(0, mostAsked)
    // A failed search counts as unknown.
    const known = await inTurns(asked, atOnce, email => isKnown(email).catch(() => false))
    return new Set(asked.filter((_email, at) => known[at]))
  }
}
