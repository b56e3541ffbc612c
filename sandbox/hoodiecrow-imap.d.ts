/** Types for the parts of hoodiecrow-imap 2.1.0 that the sandbox uses; the package has none. */
declare module 'hoodiecrow-imap' {
  import type { EventEmitter } from 'node:events'
  import type { Server, Socket } from 'node:net'

  /** A node of an IMAP response: a list, a number, a quoted string, NIL, or an atom. */
  type ImapNode = null | number | string | ImapAtom | ImapNode[]
  interface ImapAtom {
    type: 'ATOM' | 'TEXT' | 'LITERAL' | 'STRING' | 'SECTION' | 'SEQUENCE'
    value: string
    section?: ImapNode[]
    partial?: number[]
  }
  interface ImapCommand {
    tag: string
    command?: string
    attributes?: ImapNode[]
  }

  interface StoredMessage {
    uid: number
    flags: string[]
    internaldate: string
    /** The message as latin1, one character per byte. */
    raw: string
    parsed?: unknown
  }
  interface Mailbox {
    path: string
    uidnext: number
    uidvalidity: number
    messages: StoredMessage[]
  }

  interface ImapConnection {
    state: 'Not Authenticated' | 'Authenticated' | 'Selected' | 'Logout'
    socket: Socket | null
    selectedMailbox: Mailbox | false
    directNotifications: boolean
    inputHandler: false | ((line: string) => void)
    processNotifications(): void
    send(answer: ImapCommand, description: string, parsed?: ImapCommand, data?: string): void
  }

  type CommandHandler = (connection: ImapConnection, parsed: ImapCommand, data: string, done: () => void) => void
  /** Returns whether the message matches; `value` is as received, latin1 with one character per byte. */
  type SearchHandler = (connection: ImapConnection, message: StoredMessage, number: number, value: string) => boolean
  type FetchHandler = (connection: ImapConnection, message: StoredMessage, query: ImapAtom) => ImapNode

  interface ImapServer extends EventEmitter {
    readonly server: Server
    readonly fetchHandlers: Record<string, FetchHandler>
    readonly searchHandlers: Record<string, SearchHandler>
    readonly messageHandlers: ((server: ImapServer, message: StoredMessage, mailbox: Mailbox) => void)[]
    listen(port: number, host: string, onListening: () => void): void
    close(onClosed: (error?: Error) => void): void
    registerCapability(name: string): void
    setCommandHandler(command: string, handler: CommandHandler): void
    getCommandHandler(command: string): CommandHandler | false
    getMailbox(path: string): Mailbox | undefined
    getMessageRange(mailbox: Mailbox, range: string, isUid: boolean): [number, StoredMessage][]
    appendMessage(mailbox: Mailbox, flags: string[], internaldate: Date, raw: string): { message: StoredMessage }
    notify(command: ImapCommand, mailbox: Mailbox, ignoreConnection?: ImapConnection | false): void
  }

  interface FolderSeed {
    'special-use'?: string
    uidvalidity?: number
    messages?: { raw: string; flags: string[]; internaldate: Date }[]
    folders?: Record<string, FolderSeed>
  }
  interface ImapServerOptions {
    plugins: (string | ((server: ImapServer) => void))[]
    id?: Record<string, string>
    users: Record<string, { password: string }>
    storage: {
      INBOX: FolderSeed
      '': { separator: string; folders: Record<string, FolderSeed> }
    }
  }

  export default function createServer(options: ImapServerOptions): ImapServer
}

declare module 'hoodiecrow-imap/lib/mimeparser.js' {
  export interface MimeNode {
    header: string[]
    parsedHeader: {
      'content-type'?: { type: string; subtype: string; params?: Record<string, string> }
      'content-disposition'?: { params: Record<string, string> }
      'content-transfer-encoding'?: string
    }
    /** The body, still transfer-encoded, as latin1 with one character per byte. */
    body?: string
    childNodes?: MimeNode[]
  }
  /** Returns false when there is nothing to parse. */
  export default function parse(raw: string): MimeNode | false
}

declare module 'hoodiecrow-imap/lib/bodystructure.js' {
  export default function createBodyStructure(tree: unknown, options: { upperCaseKeys: boolean }): unknown
}

declare module 'hoodiecrow-imap/lib/commands/handlers/fetch.js' {
  import type { FetchHandler } from 'hoodiecrow-imap'

  const handlers: { BODY: FetchHandler }
  export default handlers
}
