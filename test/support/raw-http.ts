/** HTTP/1.1 by hand, for requests that no client would send. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface RawAnswer {
  /** 0 if the connection ended without an answer. */
  status: number
  /** Head and body, as far as received. */
  text: string
  /** Whether the server closed the connection cleanly instead of resetting it. */
  isEnded: boolean
}

export interface RawConnection {
  readonly socket: Socket
  /** Text received so far. */
  text(): string
  /** Resolves when the server has ended the connection. */
  ended(): Promise<RawAnswer>
  /** Resolves when `count` answers have begun. */
  statuses(count: number): Promise<number[]>
}

/** Sends the bytes and leaves the connection open until the test ends. */
export async function openRaw(url: string, bytes: string): Promise<RawConnection> {
  const { port, hostname } = new URL(url)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  let text = ''
  let isReset = false
  const heard = new Set<() => void>()
  socket.on('error', () => {
    isReset = true
  })
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
    for (const listener of heard) listener()
  })
  const ended = Promise.race([once(socket, 'end'), once(socket, 'close')])
  await once(socket, 'connect')
  socket.write(bytes)
  const all = () => [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(match => Number(match[1]))
  return {
    socket,
    text: () => text,
    ended: async () => {
      await ended
      return { status: all().at(-1) ?? 0, text, isEnded: !isReset }
    },
    statuses: count => {
      const { promise, resolve } = Promise.withResolvers<number[]>()
      const look = () => {
        if (all().length >= count) resolve(all())
      }
      heard.add(look)
      void ended.then(() => resolve(all()))
      look()
      return promise
    },
  }
}

/** Returns a request head, whose announced body is not sent. */
export function headOf(method: string, path: string, headers: Record<string, string | number>): string {
  const lines = Object.entries({ host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}
