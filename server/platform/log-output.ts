/**
 * Output of the log. Its reader may be slow, or stop: the server neither waits for it nor ends with it, so lines for a
 * full pipe are queued up to a bound, and dropped and counted past it.
 */
import { fstatSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { type DestinationStream, destination } from 'pino'

/** Bytes queued for the reader of a pipe; past it, lines are dropped. */
const maxWaiting = 1024 * 1024

/** Output to a pipe or socket, written without blocking, as Node does for its own stderr. */
export class PipeOutput implements DestinationStream {
  readonly #pipe: Writable
  #lost = 0

  constructor(pipe: Writable) {
    this.#pipe = pipe
    // The reader is gone, and there is nowhere to report it.
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

/** Resolves when all output has been written, or after a timeout. */
export async function flushed(stream: Writable, ms: number): Promise<void> {
  // Always the case for files, and mostly for pipes.
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
    // The parent process closed it.
    return false
  }
}
