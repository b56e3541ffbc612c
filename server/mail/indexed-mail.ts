/** Mail as known to the local index: changes, threads and indexing progress. Never queries the mail server. */
import type { IndexLevel } from '../../contract/accounts.ts'
import type { Contact, IndexStatus, IndexedMessage as ListedMessage, ThreadSummary } from '../../contract/mail-index.ts'
import { toSummary } from '../imap/message-bounds.ts'
import type { MessageRefs } from '../imap/message-ref.ts'
import { IndexFault } from '../index/index-fault.ts'
import type { IndexOperations } from '../index/index-operations.ts'
import type { IndexedMessage, ThreadCursor } from '../index/index-types.ts'
import { badCursor } from '../platform/list-query.ts'
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import { badInput, Problem } from '../platform/problem.ts'
import type { AccountIndexer } from '../sync/account-indexer.ts'
import { nowhere, toHeader } from './indexed-header.ts'
import type { Owner } from './mail-service.ts'
import { warningsOf } from './sender-warnings.ts'

export interface IndexedMailOptions {
  index: { of(accountId: string): IndexOperations; drop(accountId: string): Promise<void> }
  /** True when the account has an index: accessing a missing one would create it. */
  hasIndex(accountId: string): Promise<boolean>
  defaultLevel: IndexLevel
  refs: Pick<MessageRefs, 'encode' | 'canName'>
  /** @throws Problem when the principal may not see the account. */
  ownerOf(principal: Principal, accountId: string): Promise<IndexOwner>
  /** The indexer of the account; undefined while there is none. */
  indexerOf(accountId: string): Pick<AccountIndexer, 'lookedAt' | 'isComplete' | 'renew' | 'mailbox'> | undefined
}

export interface IndexOwner extends Owner {
  /** Null for the default. */
  indexLevel: IndexLevel | null
}

interface ChangesQuery {
  since?: string | undefined
  limit: number
}

interface ThreadsQuery {
  folder?: string | undefined
  limit: number
  cursor?: string | undefined
  preview?: WantsPreview
}

type WantsPreview = 'true' | 'false' | undefined

const messagesOfThread = 200

export class IndexedMail {
  readonly #options: IndexedMailOptions

  constructor(options: IndexedMailOptions) {
    this.#options = options
  }

  async listChanges(principal: Principal, accountId: string, { since, limit }: ChangesQuery) {
    const index = await this.#indexOf(principal, accountId)
    if (since === undefined) {
      const { modseq } = await asked(index.figures())
      return { state: String(modseq), created: [], updated: [], destroyed: [], has_more: false }
    }
    const [, first = '', from] = /^(\d{1,15})(?:\.(\d{1,15}))?$/.exec(since) ?? []
    if (first === '') throw badState()
    const query = { since: Number(first), limit, ...(from !== undefined && { from: Number(from) }) }
    const { created, updated, destroyed, modseq, hasMore } = await asked(index.changesSince(query))
    const state = hasMore ? `${first}.${modseq}` : String(modseq)
    return { state, created, updated, destroyed, has_more: hasMore }
  }

  async listThreads(principal: Principal, accountId: string, { folder, limit, cursor, preview }: ThreadsQuery) {
    const index = await this.#indexOf(principal, accountId)
    const owner = await this.#options.ownerOf(principal, accountId)
    const after = cursor === undefined ? undefined : fromThreadCursor(cursor)
    const previews = showsPreviews(principal, preview)
    const query = {
      limit,
      previews,
      ...(folder !== undefined && { path: folder }),
      ...(after && { cursor: after }),
    }
    const { threads, nextCursor } = await asked(index.listThreads(query))
    const items = threads.map(({ id, messageCount, unreadCount, newest }): ThreadSummary => {
      const message = this.#listed(accountId, owner, newest, { previews, folder })
      return { id, subject: message.subject, messages: messageCount, unread: unreadCount, newest: message }
    })
    return { items, next_cursor: nextCursor && toThreadCursor(nextCursor) }
  }

  async getThread(principal: Principal, accountId: string, id: string, { preview }: { preview?: WantsPreview }) {
    const index = await this.#indexOf(principal, accountId)
    const owner = await this.#options.ownerOf(principal, accountId)
    const previews = showsPreviews(principal, preview)
    const messages = await asked(index.messagesOfThread({ id, limit: messagesOfThread + 1, previews }))
    if (messages.length === 0) throw new Problem('thread_not_found', 'There is no such thread in this account.')
    const shown = messages.slice(-messagesOfThread)
    return {
      id,
      messages: shown.map(message => this.#listed(accountId, owner, message, { previews })),
      has_older: messages.length > shown.length,
    }
  }

  async listById(principal: Principal, accountId: string, ids: readonly string[]) {
    const index = await this.#indexOf(principal, accountId)
    const owner = await this.#options.ownerOf(principal, accountId)
    const found = new Map((await asked(index.messagesById([...ids]))).map(message => [message.id, message]))
    const items = [...new Set(ids)].flatMap(id => {
      const message = found.get(id)
      return message ? [this.#listed(accountId, owner, message, { previews: false })] : []
    })
    return { items, next_cursor: null }
  }

  async listContacts(principal: Principal, accountId: string, { q, limit }: { q?: string | undefined; limit: number }) {
    const index = await this.#indexOf(principal, accountId)
    const contacts = await asked(index.listContacts({ query: q ?? '', limit }))
    const timeOf = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())
    const items = contacts.map(({ email, name, wrote, writtenTo, lastWrote, lastWrittenTo }): Contact => {
      const last = { last_wrote_at: timeOf(lastWrote), last_written_to_at: timeOf(lastWrittenTo) }
      return { email, name, wrote, written_to: writtenTo, ...last }
    })
    return { items, next_cursor: null }
  }

  async getIndex(principal: Principal, accountId: string): Promise<IndexStatus> {
    const { indexLevel, revision } = await this.#options.ownerOf(principal, accountId)
    const { index, defaultLevel, indexerOf, hasIndex } = this.#options
    const level = indexLevel ?? defaultLevel
    if (level === 'off') return { ...offStatus, default_level: defaultLevel }
    if (revision === null && !(await hasIndex(accountId))) {
      return { ...offStatus, level, default_level: defaultLevel, state: 'building' }
    }
    const operations = index.of(accountId)
    const [figures, folders] = await Promise.all([asked(operations.figures()), asked(operations.listFolders())])
    const indexer = indexerOf(accountId)
    const sum = (of: 'serverTotal' | 'total') => folders.reduce((all, folder) => all + folder[of], 0)
    return {
      level,
      default_level: defaultLevel,
      state: indexer?.isComplete ? 'complete' : 'building',
      folders: folders.length,
      messages: figures.messages,
      server_messages: sum('serverTotal'),
      places: sum('total'),
      texts: figures.texts,
      size_bytes: figures.bytes,
      looked_at: indexer?.lookedAt ?? null,
    }
  }

  async rebuildIndex(principal: Principal, accountId: string): Promise<IndexStatus> {
    await this.#indexOf(principal, accountId)
    await asked(this.#options.index.drop(accountId))
    this.#options.indexerOf(accountId)?.renew()
    return this.getIndex(principal, accountId)
  }

  async #indexOf(principal: Principal, accountId: string): Promise<IndexOperations> {
    if (!maySeeAccount(principal, accountId)) throw new Problem('account_not_found', 'There is no such account.')
    const { indexLevel, mailbox, revision } = await this.#options.ownerOf(principal, accountId)
    if (revision === null) throw new Problem('account_disabled', 'The account is disabled: its index cannot be read.')
    if ((indexLevel ?? this.#options.defaultLevel) === 'off')
      throw new Problem('index_off', 'The mail of this account is not indexed: its level is `off`.')
    const { index, indexerOf } = this.#options
    const indexer = indexerOf(accountId)
    if (indexer && indexer.mailbox !== mailbox) {
      throw new Problem('overloaded', 'The account has another mailbox now: its index is being rebuilt.', {
        retryAfterSeconds: 5,
      })
    }
    return index.of(accountId)
  }

  #listed(
    accountId: string,
    owner: Owner,
    message: IndexedMessage,
    { previews, folder }: { previews: boolean; folder?: string | undefined },
  ): ListedMessage {
    const { refs } = this.#options
    const places = message.places.filter(({ path }) => refs.canName(path))
    const place = places.find(({ path }) => path === folder) ?? places[0] ?? nowhere
    const { path, uid, uidValidity } = place
    return {
      ...toSummary(toHeader(message, place)),
      id: message.id,
      thread_id: message.threadId,
      ref: refs.encode(accountId, { folder: path, uid, uidValidity }),
      uid_validity: uidValidity,
      folders: [...new Set([path, ...places.map(each => each.path)])],
      sender_warnings: warningsOf(message.from, owner.email),
      ...(previews && { preview: message.preview || null }),
    }
  }
}

/** Previews reveal content, so they require the scope for reading. */
function showsPreviews(principal: Principal, preview: WantsPreview): boolean {
  return preview === 'true' && principal.scopes.has('mail:read')
}

/** Status of an account without an index. */
const offStatus: Omit<IndexStatus, 'default_level'> = {
  level: 'off',
  state: 'off',
  folders: 0,
  messages: 0,
  server_messages: 0,
  places: 0,
  texts: 0,
  size_bytes: 0,
  looked_at: null,
}

/** Translates the index's errors to Problems. */
export async function asked<Result>(answer: Promise<Result>): Promise<Result> {
  try {
    return await answer
  } catch (error) {
    throw error instanceof IndexFault ? toProblem(error) : error
  }
}

function toProblem(fault: IndexFault): Problem {
  switch (fault.code) {
    case 'folder_not_found':
      return new Problem('folder_not_found', 'The index has no such folder.')
    case 'cannot_calculate_changes':
      return new Problem('cannot_calculate_changes', 'These changes are no longer known: read the lists again.')
    case 'closed':
      return new Problem('draining', 'RustyMail is shutting down.', { retryAfterSeconds: 5, cause: fault })
    default:
      return new Problem('overloaded', 'The index is not available right now.', { retryAfterSeconds: 5, cause: fault })
  }
}

function badState(): Problem {
  return badInput('query.since', 'is not a state of this list')
}

function toThreadCursor({ below, modseq, lastUid }: ThreadCursor): string {
  return [below, modseq, ...(lastUid === null ? [] : [lastUid])].join('.')
}

/** Parses a cursor, which grants nothing. @throws Problem `bad_request` */
function fromThreadCursor(cursor: string): ThreadCursor {
  if (!/^\d{1,15}\.\d{1,15}(\.\d{1,10})?$/.test(cursor)) throw badCursor()
  const [below = 0, modseq = 0, lastUid = null] = cursor.split('.').map(Number)
  return { below, modseq, lastUid }
}
