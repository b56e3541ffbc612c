/** Prompts on the terminal; piped input answers line by line. */
import { createInterface, type Interface } from 'node:readline'
import { Writable } from 'node:stream'

export interface Terminal {
  input: NodeJS.ReadableStream & { isTTY?: boolean }
  output: NodeJS.WritableStream
}

export class Prompt {
  readonly #output: NodeJS.WritableStream
  readonly #reader: Interface
  readonly #lines: AsyncIterator<string>
  #isMuted = false

  constructor({ input, output }: Terminal) {
    this.#output = output
    const echo = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        if (!this.#isMuted) output.write(chunk)
        done()
      },
    })
    this.#reader = createInterface({ input, output: echo, terminal: input.isTTY === true })
    this.#lines = this.#reader[Symbol.asyncIterator]()
  }

  /** Asks one question. @throws Error if the input ends without an answer. */
  async ask(question: string, { isHidden = false }: { isHidden?: boolean } = {}): Promise<string> {
    this.#output.write(question)
    this.#isMuted = isHidden
    const { value, done } = await this.#lines.next()
    this.#isMuted = false
    if (isHidden) this.#output.write('\n')
    if (done) throw new Error(`there was no answer to "${question.trim()}"`)
    return value
  }

  close(): void {
    this.#reader.close()
  }
}
