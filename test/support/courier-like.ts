/**
 * A server that answers as Courier-IMAP 5.0.13 does (recorded from one), quirks included; not every package archive has
 * Courier or its like.
 */
import type { Socket } from 'node:net'
import { type SocketServer, startSocketServer } from './socket-server.ts'

export interface CourierLike extends SocketServer {
  /** Message counts by listed name; undefined for a folder that only holds other folders. */
  readonly folders: Map<string, number | undefined>
  /** Names that are subscribed to; undefined if all are. */
  subscribed: ReadonlySet<string> | undefined
  /** All lines that it received. */
  readonly heard: string[]
  /** Awaited before each answer to STATUS. */
  beforeStatus: () => Promise<void>
  /** Called once the answer to a STATUS is known. */
  afterStatus: () => void
  /** Whether folders keep no UIDVALIDITY even when they are opened for writing. */
  isNeverDecided: boolean
  /** Called for each line that it received. */
  onHeard: () => void
}

const capability =
  'IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE ACL ACL2=UNION'
const mailboxMissing = 'NO Mailbox does not exist, or must be subscribed to.'

export async function startCourierLike(): Promise<CourierLike> {
  const folders = new Map<string, number | undefined>([['INBOX', 0]])
  const heard: string[] = []
  /** UIDVALIDITYs, fixed when a folder is opened for writing; until then each answer has another one. */
  const validities = new Map<string, number>()
  const opened = new WeakMap<Socket, string>()
  let undecided = Math.floor(Date.now() / 1000) - 1_000_000_000
  const answers: Record<string, (rest: string, opened: string) => string[]> = {
    CAPABILITY: () => [`* CAPABILITY ${capability}`, 'OK CAPABILITY completed'],
    LOGIN: () => ['OK LOGIN Ok.'],
    NAMESPACE: () => ['* NAMESPACE (("INBOX." ".")) NIL (("#shared." ".")("shared." "."))', 'OK NAMESPACE completed.'],
    LIST: rest => [...list(rest, 'LIST'), 'OK LIST completed'],
    LSUB: rest => [...(courier.subscribed ? subscribed(courier.subscribed) : list(rest, 'LSUB')), 'OK LSUB completed'],
    EXAMINE: rest => open(rest, false),
    SELECT: rest => open(rest, true),
    STATUS: rest => {
      const name = nameOf(rest)
      const count = name === undefined ? undefined : folders.get(name)
      if (name === undefined || count === undefined) return [mailboxMissing]
      const said = { MESSAGES: count, UNSEEN: 0, UIDNEXT: count + 1, UIDVALIDITY: validityOf(name) }
      const wanted = Object.entries(said).filter(([item]) => rest.includes(item))
      return [`* STATUS ${quote(name)} (${wanted.flat().join(' ')})`, 'OK STATUS Completed.']
    },
    // Finds every message of the open folder by UID, and nothing by words.
    SEARCH: (rest, opened) => {
      if (rest.includes('NOT NOT')) return ['NO Error in IMAP command received by server.']
      const uids = /^UID [\d:]+$/.test(rest) ? Array.from({ length: folders.get(opened) ?? 0 }, (_, at) => at + 1) : []
      return [['* SEARCH', ...uids].join(' '), 'OK SEARCH done.']
    },
    // Answers FETCH with the minimum that a list needs.
    FETCH: rest => {
      const said = (uid: number) => `UID ${uid} FLAGS () INTERNALDATE "01-Jan-2026 00:00:00 +0000" RFC822.SIZE 10`
      return [...numbersIn(rest).map(uid => `* ${uid} FETCH (${said(uid)})`), 'OK FETCH completed.']
    },
    NOOP: () => ['OK NOOP completed'],
    LOGOUT: () => ['* BYE Courier-IMAP server shutting down', 'OK LOGOUT completed'],
  }

  function open(rest: string, isWriting: boolean): string[] {
    const name = nameOf(rest)
    const count = name === undefined ? undefined : folders.get(name)
    if (name === undefined || count === undefined) return [mailboxMissing]
    if (isWriting && !courier.isNeverDecided && !validities.has(name)) validities.set(name, ++undecided)
    const flags = '* FLAGS (\\Draft \\Answered \\Flagged \\Deleted \\Seen \\Recent)'
    const validity = `* OK [UIDVALIDITY ${validityOf(name)}] Ok`
    return [flags, `* ${count} EXISTS`, '* 0 RECENT', validity, `OK [READ-${isWriting ? 'WRITE' : 'ONLY'}] Ok`]
  }

  function validityOf(name: string): number {
    return validities.get(name) ?? ++undecided
  }

  /** Shared folders are listed only when they are named. */
  function list(rest: string, word: string): string[] {
    const [, reference = '', pattern = ''] = /^"([^"]*)" "?((?:[^"\\]|\\.)*)"?/.exec(rest) ?? []
    const wanted = `${reference}${pattern}`.replaceAll(/\\(.)/g, '$1')
    const names = [...folders.keys()].filter(name => {
      if (wanted === '*') return !name.startsWith('shared.')
      return wanted.endsWith('*') ? name.startsWith(wanted.slice(0, -1)) : name === wanted
    })
    return names.map(
      name =>
        `* ${word} (${folders.get(name) === undefined ? '\\Noselect \\HasChildren' : '\\HasNoChildren'}) "." ${quote(name)}`,
    )
  }

  /** The folders above a subscribed one are listed, too. */
  function subscribed(names: ReadonlySet<string>): string[] {
    const holding = [...names].flatMap(name => {
      const levels = name.split('.')
      return levels.slice(1).map((_, index) => levels.slice(0, index + 1).join('.'))
    })
    return [
      ...[...names].map(name => `* LSUB (\\HasNoChildren) "." ${quote(name)}`),
      ...new Set(
        holding.filter(name => !names.has(name)).map(name => `* LSUB (\\Noselect \\HasChildren) "." ${quote(name)}`),
      ),
    ]
  }

  const server = await startSocketServer(socket => {
    socket.setNoDelay()
    const greeting = 'Courier-IMAP ready. Copyright 1998-2019 Double Precision, Inc.'
    socket.write(`* OK [CAPABILITY ${capability}] ${greeting}\r\n`)
    let waiting = ''
    let answered = Promise.resolve()
    socket.setEncoding('latin1').on('data', chunk => {
      const lines = `${waiting}${chunk}`.split('\r\n')
      waiting = lines.pop() ?? ''
      heard.push(...lines)
      courier.onHeard()
      for (const line of lines) answered = answered.then(() => answer(socket, line))
    })
  })
  const hooks = { beforeStatus: async () => undefined, afterStatus: () => undefined, onHeard: () => undefined }
  const courier: CourierLike = Object.assign(
    server,
    { folders, heard, subscribed: undefined, isNeverDecided: false },
    hooks,
  )

  async function answer(socket: Socket, line: string): Promise<void> {
    const [, tag = '*', command = '', rest = ''] = /^(\S+) (?:UID )?(\S+) ?(.*)$/.exec(line) ?? []
    if (command === 'STATUS') await courier.beforeStatus()
    if (/^(SELECT|EXAMINE)$/.test(command)) opened.set(socket, nameOf(rest) ?? '')
    const said = answers[command]?.(rest, opened.get(socket) ?? '') ?? ['NO Error in IMAP command received by server.']
    if (command === 'STATUS') courier.afterStatus()
    socket.write([...said.slice(0, -1), `${tag} ${said.at(-1)}`, ''].join('\r\n'))
  }
  return courier
}

function quote(name: string | undefined): string {
  return `"${(name ?? '').replaceAll(/["\\]/g, '\\$&')}"`
}

/** The messages of a set: `3:1,7`; the first one of a range without an end. */
function numbersIn(rest: string): number[] {
  const [set = ''] = /^[\d:,]+/.exec(rest) ?? []
  return set.split(',').flatMap(range => {
    const [first = 1, last = first] = range.split(':').map(Number)
    return Array.from({ length: Math.abs(last - first) + 1 }, (_, at) => Math.min(first, last) + at)
  })
}

/** A bare `~` at the start is unknown to it, and INBOX is matched in any case. */
function nameOf(rest: string): string | undefined {
  const [, quoted, bare] = /^(?:"((?:[^"\\]|\\.)*)"|(\S+))/.exec(rest) ?? []
  if (bare?.includes('~')) return undefined
  const name = quoted?.replaceAll(/\\(.)/g, '$1') ?? bare
  return name?.toUpperCase() === 'INBOX' ? 'INBOX' : name
}
