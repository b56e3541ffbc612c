/** Messages of stdio (MCP, "stdio"): one line of JSON each. Lines are bounded, and who writes can wait for the reader. */
import { once } from 'node:events'

/** Characters. More than any message that the server takes. */
const maxLine = 4 * 1024 * 1024

export type Line = { message: unknown } | { fault: 'parse' | 'too_long' }

/** Ends with the input. */
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

  /** Resolves when there is room for more. Rejects when nobody reads any more. */
  async write(message: unknown): Promise<void> {
    if (!this.#output.writable) throw new Error('nobody reads stdout any more')
    if (this.#output.write(`${JSON.stringify(message)}\n`)) return
    this.#drained ??= once(this.#output, 'drain').finally(() => {
      this.#drained = undefined
    })
    await this.#drained
  }
}
