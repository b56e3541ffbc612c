/**
 * Looks up what events say about a message beyond the fact: in the index, and on the mail server where its word on the
 * sender is trusted. A part of the composition root.
 */
import type { EventOf } from '../contract/event.ts'
import type { AccountService } from './accounts/account-service.ts'
import { parseSearch } from './index/search-language.ts'
import type { IndexedMail } from './mail/indexed-mail.ts'
import type { MailSearch } from './mail/mail-search.ts'
import type { MailService } from './mail/mail-service.ts'
import { toToolRef } from './mail/read-message.ts'
import { borderOf, type NamedAuthServer } from './mail/sender-auth.ts'
import type { MailDetails, MailKnowledge } from './mcp-events/event-projector.ts'
import { SubmissionStore } from './outbox/submission-store.ts'
import { answeredBy } from './outbox/submission-tables.ts'
import type { Database } from './platform/database/database.ts'
import type { Logger } from './platform/logger.ts'
import { everyScope, type Principal } from './platform/principal.ts'

export interface MailKnowledgeOptions {
  db: Database
  accounts: Pick<AccountService, 'get'>
  mail: Pick<MailService, 'getUncompared'>
  search: Pick<MailSearch, 'searchAccount'>
  indexed: Pick<IndexedMail, 'listById'>
  authServers: readonly NamedAuthServer[]
  logger: Logger
}

type Mail = EventOf<'mail_received'>['data']

/** Timeout of a question to a mail server, in ms; after it the answer counts as unknown. */
const patienceMs = 5_000
/** Upper bound of hits in a thread; a message beyond it does not match. */
const mostHits = 50
/** The newest messages of a program that are searched for the thread of a reply. */
const mostSent = 500
/** The principal of the server itself. Callers check beforehand that the reader may see the message. */
const self: Principal = {
  ...{ id: 'system', name: 'RustyMail', kind: 'session', userId: null },
  ...{ scopes: everyScope, accounts: 'all' },
}

/** Checks of searches that narrow events, with the same reach as `mail_search`: into texts only with mail:read. */
export interface EventQueries {
  /** Checks a query. @throws Problem if it cannot be parsed, or reaches further than the principal may. */
  checkQuery(principal: Pick<Principal, 'scopes'>, query: string): void
}

export function mailKnowledge(options: MailKnowledgeOptions): MailKnowledge & EventQueries {
  const { db, accounts, mail, search, indexed, authServers, logger } = options
  const submissions = new SubmissionStore(db)

  const open = async ({ account_id: accountId, id, ref }: Mail, signal: AbortSignal) => {
    const name = id ?? ref
    if (name === undefined) return undefined
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)])
    const opened = await mail.getUncompared(self, accountId, name, bounded).catch((err: unknown) => {
      signal.throwIfAborted()
      logger.debug({ err, account_id: accountId }, 'a message could not be opened for its event')
      return undefined
    })
    return opened?.message
  }
  const listed = async ({ account_id: accountId, id }: Mail) => {
    if (id === undefined) return undefined
    const found = await indexed.listById(self, accountId, [id]).catch(() => undefined)
    return found?.items[0]
  }
  /** Returns the newest messages of a thread. */
  const threadOf = async (accountId: string, thread: string, signal: AbortSignal) => {
    const asked = { q: `thread:${thread}`, sort: 'date', limit: mostHits, server: 'never' } as const
    const found = await search.searchAccount(self, accountId, asked, signal).catch((err: unknown) => {
      signal.throwIfAborted()
      logger.debug({ err, account_id: accountId }, 'a thread could not be looked through for an event')
      return undefined
    })
    return found?.items ?? []
  }
  /** Returns true if some server is trusted to say who a message is from. */
  const isJudged = async (accountId: string) => {
    const account = await accounts.get(self, accountId).catch(() => undefined)
    return account !== undefined && borderOf(account.imap.host, authServers) !== undefined
  }

  return {
    checkQuery: ({ scopes }, query) => void parseSearch(query, { inBody: scopes.has('mail:read') }),
    refOf: ({ account_id: accountId, ref }) => (ref === undefined ? null : toToolRef({ accountId, ref })),
    senderOf: async id => (await submissions.find(id))?.principal_id,
    details: async (fact, signal): Promise<MailDetails> => {
      const known = await listed(fact)
      const opened = !known || (await isJudged(fact.account_id)) ? await open(fact, signal) : undefined
      const message = opened ?? known
      const [first] = message?.from ?? []
      return {
        from: (fact.from ?? first)?.email ?? null,
        subject: fact.subject ?? message?.subject ?? null,
        auth: opened?.auth?.verdict ?? 'unknown',
        recipients: message ? message.to_count + (opened?.cc_count ?? 0) : null,
        hasAttachments: message?.has_attachments ?? null,
      }
    },
    matches: async ({ account_id: accountId, id, thread_id: thread }, query, { scopes }, signal) => {
      if (id === undefined || thread === undefined) return false
      const asked = { q: `thread:${thread} (${query})`, sort: 'date', limit: mostHits, server: 'never' } as const
      const found = await search.searchAccount({ ...self, scopes }, accountId, asked, signal).catch((err: unknown) => {
        signal.throwIfAborted()
        logger.debug({ err, account_id: accountId }, 'a message could not be searched for its event')
        return undefined
      })
      return found?.items.some(hit => hit.id === id) ?? false
    },
    answers: async (principalId, fact, signal) => {
      const { account_id: accountId, thread_id: thread } = fact
      const states = ['sent', 'partial'] as const
      const asked = { accounts: [accountId], principalId, states: [...states], limit: mostSent }
      const sent = await submissions.list(asked)
      if (sent.length === 0) return false
      const answered = sent.some(row => thread !== undefined && answeredBy(row)?.threadId === thread)
      if (answered) return true
      const opened = await open(fact, signal)
      const ids = new Set(sent.map(row => row.message_id))
      const replied = opened?.in_reply_to
      if (typeof replied === 'string' && ids.has(replied)) return true
      // A reply to a reply: the sent message is in its thread, as the stored copy.
      const inThread = thread === undefined ? [] : await threadOf(accountId, thread, signal)
      return inThread.some(({ message_id: id }) => id !== null && ids.has(id))
    },
  }
}
