/**
 * Messages of the stdio transport (MCP, "stdio"): one JSON object per line, bounded, and with back-pressure for
 * writers.
 */
import { once } from 'node:events'

/** Characters; more than any message that the server accepts. */
const maxLine = 4 * 1024 * 1024

export type Line = { message: unknown } | { fault: 'parse' | 'too_long' }

/** Yields lines until the input ends. */
export async function* readLines(input: NodeJS.ReadableStream): AsyncGenerator<Line> {
  const decoder = new TextDecoder()
  let text = ''
  let isTooLong = false
  for await (const chunk of input) {
    text += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      const line = text.slice(0, end).trim()
      text = text.slice(end + 1)
      if (isTooLong || line.length > maxLine) yield { fault: 'too_long' }
      else if (line !== '') yield parsed(line)
      isTooLong = false
    }
    if (text.length <= maxLine) continue
    isTooLong = true
    text = ''
  }
}

function parsed(line: string): Line {
  try {
    return { message: JSON.parse(line) }
  } catch {
    return { fault: 'parse' }
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
