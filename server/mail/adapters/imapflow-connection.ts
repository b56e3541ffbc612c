/** One ImapFlow connection in the words of our port. Folders are opened read-only and parts read with PEEK, so `\Seen` is never set. */
import { setTimeout as wait } from 'node:timers/promises'
import type { ImapFlow } from 'imapflow'
import type { Folder } from '../../../contract/mail.ts'
import { Problem } from '../../platform/problem.ts'
import type { Arrivals, FoundPage, MailConnection, MessageContent, MessagePage, WatchChange } from '../mail-gateway.ts'
import type { SearchTerm } from '../search-query.ts'
import { type FaultContext, tooSlow, translateFault } from './imapflow-faults.ts'
import { openFolder } from './imapflow-folder.ts'
import { readStructure, toContent, toFolder, toUnreadable, withoutHalfCharacter } from './imapflow-message.ts'
import { fetchPreviews } from './imapflow-preview.ts'
import { contentQuery, fetchRows } from './imapflow-rows.ts'
import { searchUids } from './imapflow-search.ts'

export interface ImapFlowConnectionOptions {
  /** Logged in. */
  client: ImapFlow
  timeoutMs: number
  context: FaultContext
  /** IDLE is renewed this often: NATs forget, and a dead peer is found out. */
  renewIdleMs: number
  /** Where there is no IDLE, the server is asked this often. */
  pollMs: number
}

/** Asked of the server at a time when a part is downloaded. */
const chunkSize = 256 * 1024
/** Between two IDLEs when the server ends them by itself, so that it cannot make us spin. */
const idleAgainMs = 1_000
const logoutMs = 1_000

export class ImapFlowConnection implements MailConnection {
  readonly closed: Promise<Problem | undefined>
  readonly #client: ImapFlow
  readonly #options: ImapFlowConnectionOptions
  readonly #ended = new AbortController()
  #reason: unknown

  constructor(options: ImapFlowConnectionOptions) {
    this.#options = options
    this.#client = options.client
    this.#client.on('error', error => {
      this.#reason ??= error
    })
    this.closed = new Promise(resolve => {
      this.#client.once('close', () => {
        this.#ended.abort()
        resolve(this.#client.closedByClient && !this.#reason ? undefined : this.#lost())
      })
    })
  }

  listFolders(): Promise<Folder[]> {
    return this.#command(async () => {
      const entries = await this.#client.list({ statusQuery: { messages: true, unseen: true } })
      return entries.map(toFolder)
    })
  }

  listMessages(path: string, limit: number, beforeUid: number | undefined): Promise<MessagePage> {
    return this.#command(async () => {
      const mailbox = await openFolder(this.#client, path)
      // Sequence numbers rise with UIDs, and none can vanish between SEARCH and FETCH (RFC 9051, section 7.5.1).
      const last = beforeUid === undefined ? mailbox.exists : await this.#countBelow(beforeUid)
      const first = Math.max(1, last - limit + 1)
      const numbers = Array.from({ length: last - first + 1 }, (_, index) => first + index)
      const rows = await fetchRows(this.#client, { by: 'seq', numbers })
      const messages = rows.map(({ header }) => header).filter(({ uid }) => beforeUid === undefined || uid < beforeUid)
      return {
        uidValidity: mailbox.uidValidity,
        total: mailbox.exists,
        messages,
        hasMore: first > 1,
      }
    })
  }

  search(path: string, terms: readonly SearchTerm[], limit: number, beforeUid: number | undefined): Promise<FoundPage> {
    return this.#command(async () => {
      const { uidValidity } = await openFolder(this.#client, path)
      const { total, uids, hasMore } = await searchUids(this.#client, terms, limit, beforeUid)
      const rows = await fetchRows(this.#client, { by: 'uid', numbers: uids })
      return {
        uidValidity,
        total,
        messages: rows.map(({ header }) => header),
        nextBeforeUid: hasMore ? uids.at(-1) : undefined,
      }
    })
  }

  getMessage(
    path: string,
    uid: number,
    maxBytes: number,
  ): Promise<{ uidValidity: number; message: MessageContent | undefined }> {
    return this.#command(async () => {
      const { uidValidity } = await openFolder(this.#client, path)
      const [found] = await fetchRows(this.#client, { by: 'uid', numbers: [uid] }, contentQuery)
      if (!found) return { uidValidity, message: undefined }
      const { row, header } = found
      if (!row)
        return { uidValidity, message: toUnreadable({ uid, internalDate: header.date, size: header.sizeBytes }) }
      const structure = readStructure(row.bodyStructure)
      const text = await this.#download(uid, structure.text, maxBytes)
      const html = await this.#download(uid, structure.html, maxBytes)
      const body = {
        text: text === undefined ? null : text.content.replaceAll('\r\n', '\n'),
        html: html?.content ?? null,
        isTruncated: Boolean(text?.isTruncated || html?.isTruncated),
      }
      const message = toContent(row, body, structure)
      return { uidValidity, message }
    })
  }

  findPart(
    path: string,
    uid: number,
    partId: string,
    maxBytes: number,
  ): Promise<{ uidValidity: number; bytes: Buffer | undefined }> {
    return this.#command(async () => {
      const { uidValidity } = await openFolder(this.#client, path)
      const bytes = await this.#collect(uid, partId, {
        uid: true,
        maxBytes: maxBytes + 1,
        chunkSize,
        decodeText: false,
      })
      return { uidValidity, bytes: bytes.length > 0 && bytes.length <= maxBytes ? bytes : undefined }
    })
  }

  listPreviews(path: string, uids: readonly number[], maxBytes: number): Promise<ReadonlyMap<number, string>> {
    return this.#command(async () => {
      await openFolder(this.#client, path)
      return fetchPreviews(this.#client, uids, maxBytes)
    })
  }

  listArrivals(path: string, fromUid: number, limit: number): Promise<Arrivals> {
    return this.#command(async () => {
      const { uidValidity, uidNext = (await this.#newestUid()) + 1 } = await openFolder(this.#client, path)
      if (uidNext <= fromUid) return { uidValidity, uidNext, uids: [] }
      const found = (await this.#client.search({ uid: `${fromUid}:*` }, { uid: true })) || []
      // `n:*` always holds the newest message, also when its UID is below n (RFC 9051, section 9, seq-range).
      const uids = found.filter(uid => uid >= fromUid).sort((a, b) => a - b)
      return { uidValidity, uidNext: Math.max(uidNext, (uids.at(-1) ?? 0) + 1), uids: uids.slice(0, limit) }
    })
  }

  async watch(
    path: string,
    onChange: (change: WatchChange) => void,
  ): Promise<{ uidValidity: number; uidNext: number }> {
    this.#client.on('exists', ({ count }) => onChange({ kind: 'exists', count }))
    this.#client.on('expunge', () => onChange({ kind: 'expunge' }))
    this.#client.on('flags', () => onChange({ kind: 'flags' }))
    const state = await this.#command(async () => {
      const { uidValidity, uidNext = (await this.#newestUid()) + 1 } = await openFolder(this.#client, path)
      return { uidValidity, uidNext }
    })
    this.#keepWatching(onChange).catch(error => this.#end(error))
    return state
  }

  async close(): Promise<void> {
    if (!this.#client.usable) return this.#client.close()
    const bound = new AbortController()
    const late = wait(logoutMs, undefined, { signal: bound.signal })
    // Whatever goes wrong while saying goodbye, the socket is dropped next.
    await Promise.race([this.#client.logout(), late]).catch(() => undefined)
    bound.abort()
    late.catch(() => undefined)
    this.#client.close()
  }

  /** Ends with the connection. */
  async #keepWatching(onChange: (change: WatchChange) => void): Promise<void> {
    const { signal } = this.#ended
    let isPolling = !this.#client.capabilities.has('IDLE') && !this.#client.capabilities.has('IMAP4rev2')
    if (isPolling) onChange({ kind: 'polling' })
    while (!signal.aborted) {
      const lap = new AbortController()
      const renewal = wait(isPolling ? this.#options.pollMs : this.#options.renewIdleMs, 'renew', {
        signal: AbortSignal.any([signal, lap.signal]),
        ref: false,
      })
      // That it was called off is no news: the race has ended by then.
      renewal.catch(() => undefined)
      const idle = isPolling ? new Promise<never>(() => undefined) : this.#client.idle()
      const outcome = await Promise.race([renewal, idle]).finally(() => lap.abort())
      if (signal.aborted) return
      if (outcome === 'renew') {
        // Breaks the IDLE by itself; a peer that is gone does not answer within the timeout, which ends the connection.
        await this.#command(() => this.#client.noop())
        continue
      }
      if (outcome === false) {
        isPolling = true
        onChange({ kind: 'polling' })
      }
      await wait(idleAgainMs, undefined, { signal })
    }
  }

  async #newestUid(): Promise<number> {
    const newest = await this.#client.fetchOne('*', { uid: true })
    return newest ? newest.uid : 0
  }

  async #countBelow(uid: number): Promise<number> {
    if (uid <= 1) return 0
    const found = await this.#client.search({ uid: `1:${uid - 1}` }, { uid: false, returnOptions: ['COUNT'] })
    if (!found) return 0
    return Array.isArray(found) ? found.length : (found.count ?? 0)
  }

  async #download(uid: number, part: string | undefined, maxBytes: number) {
    if (part === undefined) return undefined
    const bytes = await this.#read(uid, part, maxBytes + 1)
    const isTruncated = bytes.length > maxBytes
    const content = bytes.subarray(0, maxBytes).toString('utf8').toWellFormed()
    return { content: isTruncated ? withoutHalfCharacter(content) : content, isTruncated }
  }

  /** UTF-8; in a character set that nobody knows, the bytes as they are. */
  async #read(uid: number, part: string, maxBytes: number): Promise<Buffer> {
    const options = { uid: true, maxBytes, chunkSize }
    try {
      return await this.#collect(uid, part, options)
    } catch (error) {
      if (!this.#client.usable || error instanceof Problem) throw error
      return this.#collect(uid, part, { ...options, decodeText: false })
    }
  }

  async #collect(uid: number, part: string, options: Parameters<ImapFlow['download']>[2]): Promise<Buffer> {
    const { content } = await this.#client.download(String(uid), part, options)
    return content ? Buffer.concat(await content.toArray()) : Buffer.alloc(0)
  }

  /** A command that takes too long ends the connection, since nothing could follow it. */
  async #command<T>(work: () => Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        const { code, detail } = tooSlow({ ...this.#options.context, phase: 'session' })
        const problem = new Problem(code, detail, { part: 'imap', fault: 'timeout' })
        reject(problem)
        this.#end(problem)
      }, this.#options.timeoutMs)
    })
    try {
      return await Promise.race([work(), late])
    } catch (error) {
      throw translateFault(error, this.#options.context)
    } finally {
      clearTimeout(timer)
    }
  }

  #end(reason: unknown): void {
    this.#reason ??= reason
    this.#client.close()
  }

  #lost(): Problem {
    const { context } = this.#options
    const reason = this.#client.byeReason ? { reason: this.#client.byeReason } : {}
    const closed = Object.assign(new Error('closed'), { code: 'NoConnection', ...reason })
    const problem = translateFault(this.#reason ?? closed, context)
    return problem instanceof Problem
      ? problem
      : new Problem('mail_server_unreachable', 'The connection was lost.', {
          part: 'imap',
          fault: 'closed',
          cause: problem,
        })
  }
}
