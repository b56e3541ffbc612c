/**
 * Newline-delimited JSON over a pair of streams. Nothing else is written, and a line that is too long is not buffered.
 */
import { once } from 'node:events'
import { errorFrame } from './mcp-frames.ts'
import { McpError, mcpErrors } from './mcp-port.ts'
import type { McpWire } from './mcp-wire.ts'
import { parseLine } from './message-line.ts'

/** Bytes of a message. */
export const maxLineBytes = 4 * 1024 * 1024
/** Messages that the client has not taken; past it the connection is cut. */
const maxWaiting = 1000
const newline = 0x0a

export interface StdioStreams {
  input: NodeJS.ReadableStream
  output: NodeJS.WritableStream
}

export class StdioWire implements McpWire {
  readonly ended: Promise<void>
  readonly #streams: StdioStreams
  readonly #receive: (frame: unknown) => void
  readonly #end = Promise.withResolvers<void>()
  readonly #gone = new AbortController()
  #parts: Buffer[] = []
  #length = 0
  /** Whether the rest of a line that is too long is being dropped. */
  #isSkipping = false
  /** Serialises writes. */
  #last: Promise<void> = Promise.resolve()
  #waiting = 0

  /** Starts reading immediately. @param receive Called with parsed JSON; must not throw. */
  constructor(streams: StdioStreams, receive: (frame: unknown) => void) {
    this.#streams = streams
    this.#receive = receive
    this.ended = this.#end.promise
    const { input, output } = streams
    input.on('data', this.#read)
    input.once('end', this.#over)
    input.once('close', this.#over)
    input.once('error', this.#over)
    output.once('error', this.#over)
    output.once('close', this.#over)
  }

  send(frame: object): Promise<void> {
    const { output } = this.#streams
    if (++this.#waiting > maxWaiting) this.cut()
    const written = this.#last.then(async () => {
      this.#waiting--
      if (this.#gone.signal.aborted) throw new Error('The client is gone')
      if (!output.write(`${JSON.stringify(frame)}\n`)) await once(output, 'drain', { signal: this.#gone.signal })
    })
    this.#last = written.catch(() => undefined)
    return written
  }

  taken(): Promise<void> {
    return this.#last
  }

  end(): void {
    this.#last.then(this.#over)
  }

  cut(): void {
    this.#over()
  }

  readonly #over = (): void => {
    if (this.#gone.signal.aborted) return
    this.#gone.abort()
    const { input, output } = this.#streams
    input.off('data', this.#read)
    input.pause()
    output.off('close', this.#over)
    // A pipe that breaks later must not end the process.
    output.on('error', () => undefined)
    this.#parts = []
    this.#end.resolve()
  }

  readonly #read = (data: Buffer | string): void => {
    let rest = typeof data === 'string' ? Buffer.from(data) : data
    for (let at = rest.indexOf(newline); at >= 0; at = rest.indexOf(newline)) {
      this.#keep(rest.subarray(0, at))
      this.#line()
      if (this.#gone.signal.aborted) return
      rest = rest.subarray(at + 1)
    }
    this.#keep(rest)
  }

  #keep(part: Buffer): void {
    this.#length += part.length
    if (this.#length > maxLineBytes) {
      this.#isSkipping = true
      this.#parts = []
    } else if (part.length > 0) this.#parts.push(part)
  }

  #line(): void {
    const line = Buffer.concat(this.#parts)
    const isTooLong = this.#isSkipping
    this.#parts = []
    this.#length = 0
    this.#isSkipping = false
    if (isTooLong) return this.#refuse(mcpErrors.invalidRequest, `A message has at most ${maxLineBytes} bytes.`)
    if (line.toString().trim() === '') return
    const parsed = parseLine(line)
    if ('code' in parsed) return this.#refuse(parsed.code, parsed.words)
    this.#receive(parsed.message)
  }

  #refuse(code: number, words: string): void {
    this.send(errorFrame(null, new McpError(code, words))).catch(() => undefined)
  }
}
