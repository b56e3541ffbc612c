/**
 * The IMAP half of the sandbox: hoodiecrow on a free loopback port, with folders that can be appended to at any time.
 */
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import createServer, { type FolderSeed, type ImapServer, type Mailbox } from 'hoodiecrow-imap'
import { announceFlags, assertReadable, failSoftly, idle, messageTrees, partialFetch } from './imap-repairs.ts'
import { decodedSearch } from './imap-search.ts'
import type { SeedFolder } from './seed-mail.ts'

/**
 * Maximum messages per folder; past this, or past the byte limit below, the oldest are deleted, since a sandbox may run
 * for weeks.
 */
const maxMessages = 2_000
const maxFolderBytes = 64 * 1024 * 1024

export class LoopbackImap {
  readonly #server: ImapServer
  readonly #sockets = new Set<Socket>()

  constructor(options: { user: string; password: string; folders: readonly SeedFolder[]; uidValidity: number }) {
    this.#server = createServer({
      // No CONDSTORE: hoodiecrow advertises it without implementing it. LITERAL+ and SASL-IR are not needed on
      // loopback.
      plugins: [
        'ID',
        'ENABLE',
        'NAMESPACE',
        'SPECIAL-USE',
        'UIDPLUS',
        'MOVE',
        'UNSELECT',
        idle,
        partialFetch,
        messageTrees,
        announceFlags,
        decodedSearch,
        failSoftly,
      ],
      id: { name: 'RustyMail sandbox' },
      users: { [options.user]: { password: options.password } },
      storage: toStorage(options.folders, options.uidValidity),
    })
    // Each connection adds one listener; the server's connection limit bounds them.
    this.#server.setMaxListeners(0)
    this.#server.server.maxConnections = 200
  }

  /** Starts listening on a free port and returns it. */
  async start(): Promise<number> {
    const { server } = this.#server
    server.on('connection', socket => {
      this.#sockets.add(socket)
      // hoodiecrow writes line by line; with Nagle's algorithm each response would wait 40 ms for the client's ACK.
      socket.setNoDelay(true)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    this.#server.listen(0, '127.0.0.1', () => {})
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }

  /**
   * Appends a message to a folder.
   * @param raw RFC 5322, no larger than a folder may be.
   * @throws If it cannot be parsed as mail.
   */
  append(path: string, raw: Buffer, flags: readonly string[], at: Date): void {
    const mailbox = this.#server.getMailbox(toModifiedUtf7(path))
    if (!mailbox) throw new Error(`the sandbox has no folder ${path}`)
    const text = raw.toString('latin1')
    assertReadable(text)
    this.#server.appendMessage(mailbox, [...flags], at, text)
    this.#trim(mailbox)
  }

  #trim(mailbox: Mailbox): void {
    let bytes = mailbox.messages.reduce((sum, { raw }) => sum + raw.length, 0)
    while (mailbox.messages.length > maxMessages || (bytes > maxFolderBytes && mailbox.messages.length > 1)) {
      bytes -= mailbox.messages.shift()?.raw.length ?? 0
      this.#server.notify({ tag: '*', attributes: [1, { type: 'ATOM', value: 'EXPUNGE' }] }, mailbox)
    }
  }

  /** Stops listening and drops every connection. */
  async stop(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }
}

function toStorage(folders: readonly SeedFolder[], uidValidity: number) {
  const top: Record<string, FolderSeed> = {}
  let INBOX: FolderSeed = { uidvalidity: uidValidity }
  for (const { path, role, messages } of folders) {
    const folder: FolderSeed = {
      uidvalidity: uidValidity,
      messages: messages.map(({ raw, flags, at }) => ({
        raw: raw.toString('latin1'),
        flags: [...flags],
        internaldate: at,
      })),
      ...(role ? { 'special-use': role } : {}),
    }
    if (path === 'INBOX') {
      INBOX = folder
      continue
    }
    const names = path.split('/').map(toModifiedUtf7)
    const last = names.pop() ?? path
    let level = top
    for (const name of names) {
      const parent = level[name] ?? { uidvalidity: uidValidity }
      level[name] = parent
      parent.folders ??= {}
      level = parent.folders
    }
    level[last] = { ...level[last], ...folder }
  }
  return { INBOX, '': { separator: '/', folders: top } }
}

/** Encodes a folder name in modified UTF-7 (RFC 3501, section 5.1.3). */
export function toModifiedUtf7(name: string): string {
  return name.replaceAll(/&|[^\x20-\x7e]+/g, run => {
    if (run === '&') return '&-'
    const base64 = Buffer.from(run, 'utf16le').swap16().toString('base64')
    return `&${base64.replace(/=+$/, '').replaceAll('/', ',')}-`
  })
}
