/** Lists of a folder: from the index if it holds the whole folder and is fresh, else from the mail server. */
import { setTimeout as wait } from 'node:timers/promises'
import { checkCursor, type MessageRefs } from '../imap/message-ref.ts'
import type { Compared } from '../index/compared-times.ts'
import { IndexFault } from '../index/index-fault.ts'
import type { IndexOperations } from '../index/index-operations.ts'
import { JsonText } from '../platform/http/answer-text.ts'
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import type { AccountIndexer } from '../sync/account-indexer.ts'
import { afterStartMs, freshMs, type ListQuery, type MessagePage, type Owner } from './mail-queries.ts'
import type { MailService } from './mail-service.ts'

export interface MessageListsOptions {
  /** Undefined where nothing is indexed. */
  index: { of(accountId: string): Pick<IndexOperations, 'listPage'> } | undefined
  mail: Pick<MailService, 'listMessages'>
  refs: Pick<MessageRefs, 'decodeCursor' | 'canName'>
  /** @throws Problem when the principal may not see the account. */
  ownerOf(principal: Principal, accountId: string): Promise<Owner>
  indexerOf(
    accountId: string,
  ): Pick<AccountIndexer, 'asOf' | 'mailbox' | 'hasLooked' | 'isComplete' | 'notice'> | undefined
}

/** Maximum time that a list waits for the index to catch up. */
const catchUpMs = 1_000
const lookEveryMs = 20

/** Folders per account for which `#answered` is kept. */
const notedFolders = 1_000

export class MessageLists {
  readonly #options: MessageListsOptions
  readonly #pages = new KnownPages()
  /** When the mail server last answered for an indexed folder, by account and path: no older state is shown after. */
  readonly #answered = new Map<string, Map<string, number>>()

  constructor(options: MessageListsOptions) {
    this.#options = options
  }

  /** Newest first. Throws `stale_cursor` when the folder was recreated after the cursor was issued. */
  async list(
    principal: Principal,
    accountId: string,
    query: ListQuery,
    signal: AbortSignal,
  ): Promise<JsonText | MessagePage> {
    const indexed = await this.find(principal, accountId, query)
    if (indexed) return indexed
    const page = await this.#options.mail.listMessages(principal, accountId, query, signal)
    if (this.#options.indexerOf(accountId)) this.#note(accountId, query.folder)
    return page
  }

  /** Called after an account was removed: evicts its lists. */
  forget(accountId: string): void {
    this.#pages.forget(accountId)
    this.#answered.delete(accountId)
  }

  /** Returns a list from the index; undefined when the mail server must be queried. */
  async find(principal: Principal, accountId: string, query: ListQuery, mayWait = true): Promise<JsonText | undefined> {
    const { folder: path, limit, cursor, preview } = query
    const { index, refs, ownerOf, indexerOf } = this.#options
    const indexer = index && indexerOf(accountId)
    const asOf = indexer?.asOf(path)
    const isFresh = asOf !== undefined && Date.now() - asOf <= freshMs
    // Before the first round after a start, the persisted state is the best available.
    if (!indexer || !(isFresh || (asOf === undefined && !indexer.hasLooked))) return undefined
    if (!maySeeAccount(principal, accountId) || !refs.canName(path)) return undefined
    if (asOf !== undefined && this.#isOlder(accountId, path, asOf)) {
      // Querying the mail server would raise the bar for the index: frequent callers would never be served by it.
      const isCaughtUp = mayWait && indexer.isComplete && (await this.#catchesUp(accountId, path))
      return isCaughtUp ? this.find(principal, accountId, query, false) : undefined
    }
    const owner = await ownerOf(principal, accountId)
    // A disabled account has no revision, and another mailbox is not the indexed one.
    if (owner.revision === null || owner.mailbox !== indexer.mailbox) return undefined
    const after = cursor === undefined ? undefined : refs.decodeCursor(accountId, path, cursor)
    const previews = preview === 'true' && principal.scopes.has('mail:read')
    const page = { path, limit, after, previews, own: owner.email }
    const key = JSON.stringify([accountId, page])
    const known = this.#pages.find(key)
    const answer = await index!.of(accountId).listPage(page, known?.tag).catch(absent)
    if (answer?.kind === 'stale_cursor') checkCursor(after, Number.NaN)
    if (answer?.kind === 'same' && known) {
      const at = asOf ?? known.asOf
      return this.#isOlder(accountId, path, at) ? undefined : new JsonText(this.#pages.put(key, known, at))
    }
    if (answer?.kind !== 'page') return undefined
    const at = asOf ?? comparedAt(answer.compared, owner.mailbox)
    return at === undefined || this.#isOlder(accountId, path, at)
      ? undefined
      : new JsonText(this.#pages.put(key, answer, at))
  }

  #note(accountId: string, path: string): void {
    const ofAccount = this.#answered.get(accountId) ?? new Map<string, number>()
    this.#answered.set(accountId, ofAccount)
    ofAccount.delete(path)
    ofAccount.set(path, Date.now())
    const [oldest] = ofAccount.keys()
    if (ofAccount.size > notedFolders && oldest !== undefined) ofAccount.delete(oldest)
  }

  /** Waits until the folder was compared as requested. @returns Whether that happened in time. */
  async #catchesUp(accountId: string, path: string): Promise<boolean> {
    for (let waited = 0; waited < catchUpMs; waited += lookEveryMs) {
      await wait(lookEveryMs)
      const asOf = this.#options.indexerOf(accountId)?.asOf(path)
      const answered = this.#answered.get(accountId)?.get(path)
      if (asOf === undefined) return false
      if (answered === undefined || asOf >= answered) return true
    }
    return false
  }

  /** True when the mail server answered later; requests a comparison then, so that the index can serve lists again. */
  #isOlder(accountId: string, path: string, at: number): boolean {
    const ofAccount = this.#answered.get(accountId)
    const answered = ofAccount?.get(path)
    if (answered === undefined) return false
    if (at < answered) {
      this.#options.indexerOf(accountId)?.notice(path)
      return true
    }
    ofAccount!.delete(path)
    return false
  }
}

function comparedAt(compared: Compared | null, mailbox: string | undefined): number | undefined {
  const isKnown = compared && compared.mailbox === mailbox && Date.now() - compared.at <= afterStartMs
  return isKnown ? compared.at : undefined
}

/** Whatever is wrong with the index, the mail server has the list. */
function absent(error: unknown): undefined {
  if (!(error instanceof IndexFault)) throw error
}

interface KnownPage {
  tag: string
  /** The response without its source and time. */
  json: Uint8Array
  asOf: number
  /** The whole response. */
  bytes: Buffer
}

/** Bytes of all cached pages; above it the least recently used is evicted. */
const maxBytes = 8 * 1024 * 1024

/**
 * LRU cache of index pages as they were sent. The index thread validates each use by its tag; the bytes then need not
 * be transferred or assembled again.
 */
class KnownPages {
  readonly #pages = new Map<string, KnownPage>()
  #bytes = 0

  /** @param key Begins with the account: `["<id>",`. */
  find(key: string): KnownPage | undefined {
    return this.#pages.get(key)
  }

  /** @returns The response's bytes, which are shared and must not be modified. */
  put(key: string, { json, tag }: { json: Uint8Array; tag: string | undefined }, asOf: number): Buffer {
    const before = this.#pages.get(key)
    this.#drop(key)
    if (before && before.tag === tag && before.asOf === asOf) {
      this.#keep(key, before)
      return before.bytes
    }
    const end = `,"source":"index","as_of":"${new Date(asOf).toISOString()}"}`
    const bytes = Buffer.concat([json, Buffer.from(end)])
    if (tag !== undefined) this.#keep(key, { tag, json: bytes.subarray(0, json.length), asOf, bytes })
    return bytes
  }

  forget(accountId: string): void {
    const begin = JSON.stringify([accountId]).slice(0, -1)
    for (const key of this.#pages.keys()) if (key.startsWith(`${begin},`)) this.#drop(key)
  }

  #keep(key: string, page: KnownPage): void {
    this.#pages.set(key, page)
    this.#bytes += page.bytes.length
    for (const oldest of this.#pages.keys()) {
      if (this.#bytes <= maxBytes) return
      this.#drop(oldest)
    }
  }

  #drop(key: string): void {
    this.#bytes -= this.#pages.get(key)?.bytes.length ?? 0
    this.#pages.delete(key)
  }
}
