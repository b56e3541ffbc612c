/** Lists of a folder: from the index where it has the whole folder and was compared with the mail server lately, else from the mail server. */
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

/** So long a list waits for the index to be compared again. */
const catchUpMs = 1_000
const lookEveryMs = 20

/** Folders of an account for which that is known. */
const notedFolders = 1_000

export class MessageLists {
  readonly #options: MessageListsOptions
  readonly #pages = new KnownPages()
  /** When the mail server last answered for a folder that the index has: nobody is shown an older state afterwards. By account and path. */
  readonly #answered = new Map<string, Map<string, number>>()

  constructor(options: MessageListsOptions) {
    this.#options = options
  }

  /** Newest first. Throws `stale_cursor` when the folder was recreated since the cursor was given. */
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

  /** After an account was removed: nothing of its lists is kept. */
  forget(accountId: string): void {
    this.#pages.forget(accountId)
    this.#answered.delete(accountId)
  }

  /** From the index; undefined where the mail server has to be asked. */
  async find(principal: Principal, accountId: string, query: ListQuery, mayWait = true): Promise<JsonText | undefined> {
    const { folder: path, limit, cursor, preview } = query
    const { index, refs, ownerOf, indexerOf } = this.#options
    const indexer = index && indexerOf(accountId)
    const asOf = indexer?.asOf(path)
    const isFresh = asOf !== undefined && Date.now() - asOf <= freshMs
    // Until the first look of a start, what was known before it is still the best that can be said at once.
    if (!indexer || !(isFresh || (asOf === undefined && !indexer.hasLooked))) return undefined
    if (!maySeeAccount(principal, accountId) || !refs.canName(path)) return undefined
    if (asOf !== undefined && this.#isOlder(accountId, path, asOf)) {
      // To ask the mail server would raise what the index has to reach: a program that asks often would never be answered by the index.
      const isCaughtUp = mayWait && indexer.isComplete && (await this.#catchesUp(accountId, path))
      return isCaughtUp ? this.find(principal, accountId, query, false) : undefined
    }
    const owner = await ownerOf(principal, accountId)
    // A disabled account has no revision; one that was given another mailbox is not the one that was indexed.
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

  /** Whether the folder is compared in time, which was asked for. */
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

  /** Whether the mail server was heard after that. Then the folder is looked at now, so that the index can answer again. */
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

/** Whatever ails the index, the mail server has the list. */
function absent(error: unknown): undefined {
  if (!(error instanceof IndexFault)) throw error
}

interface KnownPage {
  tag: string
  /** Without what is true at one time only. */
  json: Uint8Array
  asOf: number
  /** The answer. */
  bytes: Buffer
}

/** Of all of them; the one used longest ago is evicted. */
const maxBytes = 8 * 1024 * 1024

/**
 * Pages of the index as they left last. Whether one is still right, the thread of the index says each time; then its bytes need not come from there
 * again, nor be put together again.
 */
class KnownPages {
  readonly #pages = new Map<string, KnownPage>()
  #bytes = 0

  /** @param key Begins with the account: `["<id>",`. */
  find(key: string): KnownPage | undefined {
    return this.#pages.get(key)
  }

  /** @returns The page as it is answered. Its bytes are shared: nothing writes into them. */
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
