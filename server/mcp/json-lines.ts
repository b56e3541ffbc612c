/**
 * Messages of the stdio transport (MCP, "stdio"): one JSON object per line, bounded, and with back-pressure for
 * writers.
 */
import { once } from 'node:events'
import { mcpErrors } from './mcp-port.ts'
import { parseLine } from './message-line.ts'

/** Bytes; more than any message that the server accepts. */
const maxLine = 4 * 1024 * 1024

export type Line = ReturnType<typeof parseLine>

const tooLong = { code: mcpErrors.invalidRequest, words: 'Invalid Request: this line is too long.' }

/** Yields lines until the input ends. */
export async function* readLines(input: NodeJS.ReadableStream): AsyncGenerator<Line> {
  let text = ''
  let isTooLong = false
  for await (const chunk of input) {
    // One character per byte: a line is decoded when it is complete.
    text += Buffer.from(chunk).toString('latin1')
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      const line = text.slice(0, end)
      text = text.slice(end + 1)
      if (isTooLong || line.length > maxLine) yield tooLong
      else if (line.trim() !== '') yield parseLine(Buffer.from(line, 'latin1'))
      isTooLong = false
    }
    if (text.length <= maxLine) continue
    isTooLong = true
    text = ''
  }
}

export class LineWriter {
  readonly #output: NodeJS.WritableStream
  #drained: Promise<unknown> | undefined

  constructor(output: NodeJS.WritableStream) {
    this.#output = output
  }

  /** Resolves when there is room for more. Rejects when stdout is no longer read. */
  async write(message: unknown): Promise<void> {
    if (!this.#output.writable) throw new Error('stdout is no longer read')
    if (this.#output.write(`${JSON.stringify(message)}\n`)) return
    this.#drained ??= once(this.#output, 'drain').finally(() => {
      this.#drained = undefined
    })
    await this.#drained
  }
}
