/**
 * An IMAP server that answers normally until a point named by the test, and then floods as fast as its client reads,
 * until the client disconnects.
 */
import type { Socket } from 'node:net'
import { type SocketServer, startSocketServer } from './socket-server.ts'

/**
 * The point of the flood: before the greeting, or instead of the answer to a command (`IDLE`: after its continuation).
 */
export type FloodAt = 'GREETING' | 'CAPABILITY' | 'LOGIN' | 'LIST' | 'SELECT' | 'FETCH' | 'SEARCH' | 'IDLE' | 'LOGOUT'

export interface FloodScript {
  at?: FloodAt
  /** Sent once, before `again`. */
  begin?: string
  /** Sent repeatedly without an end. */
  again?: string
  /** Lines sent before the proper answer to a command, in place of a flood. */
  extra?: Partial<Record<string, string>>
  exists?: number
}

export interface FloodingImap {
  readonly port: number
  /** Number of connections so far. */
  readonly connections: number
  /** Lines that clients sent. */
  readonly lines: readonly string[]
  /** Bytes of flood written. */
  readonly flooded: number
  readonly sockets: SocketServer['sockets']
  /** The current behaviour; assigning it takes effect from the next command. */
  script: FloodScript
  stop(): Promise<void>
}

const row = (place: number) =>
  `* ${place} FETCH (UID ${place + 100} FLAGS () INTERNALDATE "01-Jan-2026 00:00:00 +0000" RFC822.SIZE 50 ` +
  `BODYSTRUCTURE ("text" "plain" NIL NIL NIL "7bit" 5 1) ` +
  `ENVELOPE (NIL "mail ${place}" ((NIL NIL "a" "b.org")) NIL NIL NIL NIL NIL NIL "<1@b.org>"))\r\n`

export async function startFloodingImap(first: FloodScript): Promise<FloodingImap> {
  let script = first
  let [connections, flooded] = [0, 0]
  const lines: string[] = []

  function flood(socket: Socket): void {
    const { begin = '', again = '' } = script
    socket.write(begin)
    flooded += begin.length
    if (again === '') return
    const piece = again.repeat(Math.ceil(16_384 / again.length))
    const pour = () => {
      while (!socket.destroyed) {
        flooded += piece.length
        if (!socket.write(piece)) return
      }
    }
    socket.on('drain', pour)
    pour()
  }

  /** @returns The answer, or undefined if the flood comes instead. */
  function answer(line: string, socket: Socket): string | undefined {
    const [tag = '', ...words] = line.split(' ')
    const command = (words[0] === 'UID' ? words[1] : words[0])?.replace('EXAMINE', 'SELECT')
    if (command === 'IDLE') socket.write('+ idling\r\n')
    if (command === script.at) {
      flood(socket)
      return undefined
    }
    const exists = script.exists ?? 3
    const extra = script.extra?.[command ?? ''] ?? ''
    const ok = `${tag} OK done\r\n`
    if (line === 'DONE') return ''
    if (command === 'CAPABILITY') return `* CAPABILITY IMAP4rev1 IDLE\r\n${extra}${ok}`
    if (command === 'SELECT')
      return `* ${exists} EXISTS\r\n* OK [UIDVALIDITY 7] v\r\n* OK [UIDNEXT 900] n\r\n${extra}${ok}`
    if (command === 'LIST') return `* LIST () "/" INBOX\r\n${extra}${ok}`
    if (command === 'IDLE') return extra
    if (command !== 'FETCH') return `${extra}${ok}`
    const wanted = (words[0] === 'UID' ? words[2] : words[1]) ?? ''
    const [from = 1, to = from] = wanted.split(':').map(number => Number(number) - (words[0] === 'UID' ? 100 : 0))
    return Array.from({ length: to - from + 1 }, (_, index) => row(from + index)).join('') + extra + ok
  }

  const server = await startSocketServer(socket => {
    connections++
    let idleTag = ''
    if (script.at === 'GREETING') {
      flood(socket)
      return
    }
    socket.write('* OK ready\r\n')
    socket.on('data', data => {
      for (const line of String(data).split('\r\n').filter(Boolean)) {
        lines.push(line)
        if (line.endsWith(' IDLE')) idleTag = line.split(' ')[0] ?? ''
        const words = line === 'DONE' ? `${idleTag} OK done\r\n` : answer(line, socket)
        if (words) socket.write(words)
      }
    })
  })
  return {
    port: server.port,
    lines,
    sockets: server.sockets,
    stop: () => server.stop(),
    get connections() {
      return connections
    },
    get flooded() {
      return flooded
    },
    get script() {
      return script
    },
    set script(next) {
      script = next
    },
  }
}
