/**
 * Where the log goes. Its reader may be slow, or stop: the server neither waits for it nor ends with it, so lines for which a
 * pipe has no room wait up to a bound, and are counted past it.
 */
import { fstatSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { type DestinationStream, destination } from 'pino'

/** Bytes that wait for the reader of a pipe. */
const maxWaiting = 1024 * 1024

/** A pipe or a socket. It is written to without waiting, as Node does that for its own stderr; a file takes what comes. */
export class PipeOutput implements DestinationStream {
  readonly #pipe: Writable
  #lost = 0

  constructor(pipe: Writable) {
    this.#pipe = pipe
    // Nobody reads any more, and there is nowhere to say so.
    if (pipe.listenerCount('error') === 0) pipe.on('error', () => undefined)
  }

  write(line: string): void {
    if (this.#pipe.writableLength >= maxWaiting) {
      this.#lost++
      return
    }
    if (this.#lost > 0) {
      const note = { level: 'warn', time: new Date().toISOString(), lost: this.#lost }
      this.#pipe.write(
        `${JSON.stringify({ ...note, msg: 'log lines were dropped: the reader of the log is too slow' })}\n`,
      )
      this.#lost = 0
    }
    this.#pipe.write(line)
  }
}

export function stderrOutput(): DestinationStream {
  return isPipe(2) ? new PipeOutput(process.stderr) : destination({ fd: 2, sync: false })
}

/** Resolves when its reader has all of it, or after the time. */
export async function flushed(stream: Writable, ms: number): Promise<void> {
  // Of a file it is none, and of a pipe mostly.
  if (stream.writableLength === 0 || !stream.writable) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const late = setTimeout(resolve, ms)
  stream.write('', () => resolve())
  await promise
  clearTimeout(late)
}

function isPipe(fd: number): boolean {
  try {
    const stat = fstatSync(fd)
    return stat.isFIFO() || stat.isSocket()
  } catch {
    // It was closed by the process that started us.
    return false
  }
}
