/** An in-memory mail server for tests, which can refuse, cut connections, be slow and be full, like real ones. */
import type { Folder } from '../../../contract/mail.ts'
import { type MailLogin, secretOf } from '../../accounts/mail-login.ts'
import { Problem } from '../../platform/problem.ts'
import type { QuotaFigures } from '../gateway-capabilities.ts'
import {
  type Arrivals,
  type ConnectOptions,
  type FolderCount,
  type FoundMessages,
  type MailConnection,
  type MailGateway,
  type MailPlace,
  type MessageContent,
  type MessageHead,
  type MessagePage,
  newestArrivals,
  type ServerFacts,
  type WatchChange,
} from '../mail-gateway.ts'
import type { SearchTerm } from '../search-term.ts'
import { MemoryChanges, MemoryParts, MemoryWriter } from './memory-capabilities.ts'
import { closedProblem, within } from './memory-faults.ts'
import {
  countsOf,
  type Delivery,
  emptyMessage,
  type MemoryFolder,
  type MemoryMessage,
  readMemoryMessage,
} from './memory-message.ts'
import { holds } from './memory-search.ts'

export class MemoryGateway implements MailGateway {
  readonly folders = new Map<string, MemoryFolder>()
  readonly connections = new Set<MemoryConnection>()
  password = 'secret'
  /** True behaves like LIST-STATUS; otherwise each folder is counted separately. */
  countsInList = true
  /** Above it, logins are refused as too many. */
  maxConnections = Number.POSITIVE_INFINITY
  /** Connections above the limit are closed without a greeting, as Courier does above MAXPERIP. */
  isSilentWhenFull = false
  /** The advertised capabilities. */
  offers: readonly string[] = ['IDLE', 'CONDSTORE', 'MOVE', 'UIDPLUS']
  quota: QuotaFigures | undefined
  /** Thrown by each connect. */
  refusal: Problem | undefined
  /** Paths of folders whose status the server does not report. */
  readonly unsaid = new Set<string>()
  /** Awaited before each connection, and before each command, by name. */
  delay: (step: string) => Promise<void> | void = () => undefined
  /** Number of login attempts, and maximum of concurrent connections. */
  attempts = 0
  peak = 0
  /** Number of probes. */
  probes = 0
  /** The traffic of each command, in bytes. */
  traffic: (step: string) => { received: number; sent: number } = () => ({ received: 0, sent: 0 })

  constructor() {
    const roles = { INBOX: 'inbox', Archive: 'archive', Drafts: 'drafts', Junk: 'junk', Sent: 'sent', Trash: 'trash' }
    for (const [path, role] of Object.entries(roles)) this.addFolder(path, role as Folder['role'])
  }

  async connect(login: MailLogin, { timeoutMs, signal, onTraffic }: ConnectOptions): Promise<MailConnection> {
    this.attempts++
    await within(timeoutMs, this.delay('connect'))
    signal.throwIfAborted()
    if (this.refusal) throw this.refusal
    if (secretOf(login) !== this.password) {
      const words = { fault: 'login', part: 'imap', server_response: 'NO [AUTHENTICATIONFAILED] wrong' } as const
      throw new Problem('mail_login_refused', 'The mail server rejected the user name or password.', words)
    }
    if (this.connections.size >= this.maxConnections) {
      if (this.isSilentWhenFull) throw closedProblem()
      const words = { fault: 'limit', part: 'imap', server_response: 'NO [LIMIT] too many connections' } as const
      throw new Problem('mail_server_refused', 'The mail server takes no more connections.', words)
    }
    const connection = new MemoryConnection(this, timeoutMs, onTraffic)
    this.connections.add(connection)
    this.peak = Math.max(this.peak, this.connections.size)
    return connection
  }

  async probe(_place: MailPlace, { timeoutMs, signal }: ConnectOptions): Promise<void> {
    this.probes++
    await within(timeoutMs, this.delay('probe'))
    signal.throwIfAborted()
    if (this.refusal && this.refusal.extension.fault !== 'login') throw this.refusal
    if (this.isSilentWhenFull && this.connections.size >= this.maxConnections) throw closedProblem()
  }

  addFolder(path: string, role: Folder['role'] = null): MemoryFolder {
    const folder = {
      path,
      role,
      uidValidity: 1000 + this.folders.size,
      uidNext: 1,
      messages: [],
      modseq: 1n,
      changedAt: new Map<number, bigint>(),
      isSubscribed: true,
    }
    this.folders.set(path, folder)
    return folder
  }

  /** Renames a folder with its subfolders. */
  renameFolder(path: string, to: string): void {
    this.getFolder(path)
    for (const folder of [...this.folders.values()]) {
      if (folder.path !== path && !folder.path.startsWith(`${path}/`)) continue
      this.folders.delete(folder.path)
      folder.path = to + folder.path.slice(path.length)
      this.folders.set(folder.path, folder)
    }
  }

  /** Adds a message to a folder and notifies watchers. */
  deliver(delivery: Delivery = {}, path = 'INBOX'): number {
    const folder = this.getFolder(path)
    const uid = folder.uidNext++
    const message = { ...emptyMessage, date: new Date().toISOString(), ...delivery, uid }
    folder.messages.push({ ...message, ...countsOf(message), ...delivery, uid })
    folder.changedAt.set(uid, ++folder.modseq)
    for (const connection of this.connections)
      connection.notice(path, { kind: 'exists', count: folder.messages.length })
    return uid
  }

  getFolder(path: string): MemoryFolder {
    const folder = this.folders.get(path)
    if (!folder) throw new Problem('folder_not_found', 'There is no such folder.')
    return folder
  }

  /** Simulates a network failure: cuts all or the selected connections. */
  cut(isMeant: (connection: MemoryConnection) => boolean = () => true): void {
    for (const connection of [...this.connections].filter(isMeant)) connection.end(closedProblem())
  }
}

export class MemoryConnection implements MailConnection {
  readonly parts: MemoryParts
  readonly changes: MemoryChanges
  readonly writer: MemoryWriter
  readonly closed: Promise<Problem | undefined>
  isWatching = false
  openFolder: string | undefined
  readonly #gateway: MemoryGateway
  readonly #timeoutMs: number
  readonly #onTraffic: ConnectOptions['onTraffic']
  readonly #listeners = new Map<string, (change: WatchChange) => void>()
  readonly #resolveClosed: (reason: Problem | undefined) => void
  #isOpen = true

  constructor(gateway: MemoryGateway, timeoutMs: number, onTraffic: ConnectOptions['onTraffic']) {
    this.#onTraffic = onTraffic
    this.#gateway = gateway
    this.#timeoutMs = timeoutMs
    const { promise, resolve } = Promise.withResolvers<Problem | undefined>()
    this.closed = promise
    this.#resolveClosed = resolve
    const step = (name: string, folder?: string) => this.#step(name, folder)
    this.parts = new MemoryParts(gateway, step)
    this.changes = new MemoryChanges(gateway, step)
    this.writer = new MemoryWriter(gateway, step)
  }

  async inspect(): Promise<ServerFacts> {
    const folders = await this.listFolders(false)
    const namespaces = { personal: [''], other: [], shared: [] }
    const { offers: capabilities, quota } = this.#gateway
    return { capabilities, software: null, namespaces, folders, quota }
  }

  get offers(): readonly string[] {
    return this.#gateway.offers
  }

  async quota(): Promise<QuotaFigures | undefined> {
    await this.#step('quota')
    return this.#gateway.quota
  }

  async listFolders(withCounts = true): Promise<Folder[]> {
    await this.#step('listFolders')
    const isCounted = withCounts && this.#gateway.countsInList
    return [...this.#gateway.folders.values()].map(({ path, role, messages, isSubscribed }) => ({
      path,
      name: path.split('/').at(-1) ?? path,
      namespace: 'personal',
      delimiter: '/',
      role,
      selectable: true,
      subscribed: isSubscribed,
      ...(isCounted ? countOf(messages) : { total: null, unread: null }),
    }))
  }

  async countFolders(
    paths: readonly string[],
    budgetMs: number,
    onCount: (path: string, count: FolderCount) => void,
  ): Promise<void> {
    const until = performance.now() + budgetMs
    for (const [index, path] of paths.entries()) {
      if (index > 0 && performance.now() >= until) return
      await this.#step(`countFolders ${path}`)
      const folder = this.#gateway.folders.get(path)
      onCount(path, folder ? countOf(folder.messages) : { total: null, unread: null })
    }
  }

  async listMessages(path: string, limit: number, beforeUid: number | undefined): Promise<MessagePage> {
    await this.#step('listMessages', path)
    const { uidValidity, messages } = this.#gateway.getFolder(path)
    const below = messages.filter(message => beforeUid === undefined || message.uid < beforeUid)
    const page = below.slice(-limit).toReversed()
    return { uidValidity, total: messages.length, messages: page, hasMore: below.length > page.length }
  }

  async search(
    path: string,
    term: SearchTerm | undefined,
    limit: number,
    belowUid = Number.POSITIVE_INFINITY,
  ): Promise<FoundMessages> {
    await this.#step('search', path)
    const { uidValidity, messages } = this.#gateway.getFolder(path)
    const all = messages.filter(message => message.uid < belowUid && (term === undefined || holds(term, message)))
    const found = all.slice(-limit).toReversed()
    return { uidValidity, total: all.length, found: found.map(({ uid, date }) => ({ uid, date })) }
  }

  async getMessage(
    path: string,
    uid: number,
    maxBytes: number,
    attached?: string,
  ): Promise<{ uidValidity: number; message: MessageContent | undefined }> {
    await this.#step('getMessage', path)
    const { uidValidity, messages } = this.#gateway.getFolder(path)
    const message = messages.find(candidate => candidate.uid === uid)
    if (!message) return { uidValidity, message: undefined }
    if (message.structure) return { uidValidity, message: await readMemoryMessage(message, maxBytes, attached) }
    if (attached !== undefined) return { uidValidity, message: undefined }
    const [text, html] = [message.text, message.html].map(part => part?.slice(0, maxBytes) ?? null)
    const isTruncated = text !== message.text || html !== message.html
    return { uidValidity, message: { ...message, text: text ?? null, html: html ?? null, isTruncated } }
  }

  async findFlags(path: string, uid: number): ReturnType<MailConnection['findFlags']> {
    await this.#step('findFlags', path)
    const { uidValidity, messages } = this.#gateway.getFolder(path)
    const message = messages.find(candidate => candidate.uid === uid)
    return { uidValidity, found: message && { flags: message.flags, keywords: message.keywords } }
  }

  async findPart(
    path: string,
    uid: number,
    partId: string,
    maxBytes: number,
  ): Promise<{ uidValidity: number; bytes: Buffer | undefined }> {
    await this.#step('findPart', path)
    const { uidValidity, messages } = this.#gateway.getFolder(path)
    const parts = messages.find(message => message.uid === uid)?.parts ?? {}
    const bytes = Object.hasOwn(parts, partId) ? parts[partId] : undefined
    return { uidValidity, bytes: bytes && bytes.length > 0 && bytes.length <= maxBytes ? bytes : undefined }
  }

  async listPreviews(path: string, uids: readonly number[], maxBytes: number): Promise<ReadonlyMap<number, string>> {
    await this.#step('listPreviews')
    const meant = this.#gateway.getFolder(path).messages.filter(({ uid }) => uids.includes(uid))
    return new Map(meant.flatMap(({ uid, text }) => (text === null ? [] : [[uid, text.slice(0, maxBytes)] as const])))
  }

  async listArrivals(path: string, fromUid: number, limit: number, newest?: number): Promise<Arrivals> {
    await this.#step('listArrivals', path)
    const { uidValidity, uidNext, messages } = this.#gateway.getFolder(path)
    const uids = messages.map(message => message.uid).filter(uid => uid >= fromUid)
    return { uidValidity, uidNext, ...newestArrivals(uids, limit, newest) }
  }

  async listHeads(path: string, uids: readonly number[]): Promise<ReadonlyMap<number, MessageHead>> {
    await this.#step('listHeads')
    const { messages } = this.#gateway.getFolder(path)
    const found = messages.filter(({ uid }) => uids.includes(uid))
    return new Map(found.map(({ uid, subject, from }) => [uid, { subject, from }]))
  }

  async watch(
    path: string,
    onChange: (change: WatchChange) => void,
  ): Promise<{ uidValidity: number; uidNext: number }> {
    await this.#step('watch', path)
    const { uidValidity, uidNext } = this.#gateway.getFolder(path)
    this.isWatching = true
    this.#listeners.set(path, onChange)
    return { uidValidity, uidNext }
  }

  /** Like a real one: sends a command, and ends the connection when it is not answered. */
  check(): void {
    this.#step('check').catch(() => undefined)
  }

  async pause(): Promise<void> {
    await this.#step('pause')
    this.isWatching = false
  }

  async resume(): Promise<void> {
    this.isWatching = this.#isOpen
  }

  async close(): Promise<void> {
    this.end(undefined)
  }

  notice(path: string, change: WatchChange): void {
    this.#listeners.get(path)?.(change)
  }

  end(reason: Problem | undefined): void {
    this.#isOpen = false
    this.#gateway.connections.delete(this)
    this.#resolveClosed(reason)
  }

  async #step(name: string, folder = this.openFolder): Promise<void> {
    if (!this.#isOpen) throw closedProblem()
    this.openFolder = folder
    try {
      await within(this.#timeoutMs, this.#gateway.delay(name))
    } catch (error) {
      if (error instanceof Problem && error.code === 'mail_server_timeout') this.end(error)
      throw error
    }
    if (!this.#isOpen) throw closedProblem()
    const { received, sent } = this.#gateway.traffic(name)
    this.#onTraffic?.(received, sent)
  }
}

function countOf(messages: readonly MemoryMessage[]): FolderCount {
  return { total: messages.length, unread: messages.filter(({ flags }) => !flags.includes('seen')).length }
}
