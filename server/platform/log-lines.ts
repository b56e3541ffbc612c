/** The last lines of the log, in memory, as they were written: without what looks like a secret. Stands before the log's output. */
import { escapeUnseen, LogSecrets } from './log-secrets.ts'

/** As pino writes to it. */
export interface LogOutput {
  write(line: string): void
}

export interface HeldLine {
  /** Counted from the start of the process. */
  number: number
  /** JSON of one line. */
  text: string
}

export interface LogLinesOptions {
  out: LogOutput
  secrets?: LogSecrets
  maxLines?: number
  /** Of all lines together, and of one. */
  maxBytes?: number
  maxLineBytes?: number
}

type Line = Record<string, unknown>

/** Of a line that is too long, each text is cut to so many characters. */
const cutLength = 1_000

export class LogLines implements LogOutput {
  readonly #out: LogOutput
  readonly #secrets: LogSecrets
  readonly #maxLines: number
  readonly #maxBytes: number
  readonly #maxLineBytes: number
  readonly #held: HeldLine[] = []
  #bytes = 0
  #newest = 0

  constructor({
    out,
    secrets = new LogSecrets(),
    maxLines = 2_000,
    maxBytes = 1024 * 1024,
    maxLineBytes = 16 * 1024,
  }: LogLinesOptions) {
    this.#out = out
    this.#secrets = secrets
    this.#maxLines = maxLines
    this.#maxBytes = maxBytes
    this.#maxLineBytes = maxLineBytes
  }

  /** Never throws: its caller only wanted to say something. */
  write(line: string): void {
    const clean = this.#secrets.without(parsed(line)) as Line
    const text = escapeUnseen(JSON.stringify(clean))
    this.#hold(clean, text)
    this.#out.write(`${text}\n`)
  }

  get newest(): number {
    return this.#newest
  }

  get lines(): number {
    return this.#held.length
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The oldest first. */
  get held(): readonly HeldLine[] {
    return this.#held
  }

  #hold(line: Line, text: string): void {
    const kept = Buffer.byteLength(text) > this.#maxLineBytes ? this.#shortened(line) : text
    this.#held.push({ number: ++this.#newest, text: kept })
    this.#bytes += Buffer.byteLength(kept)
    while (this.#held.length > this.#maxLines || (this.#bytes > this.#maxBytes && this.#held.length > 1)) {
      this.#bytes -= Buffer.byteLength(this.#held.shift()!.text)
    }
  }

  #shortened(line: Line): string {
    const text = escapeUnseen(JSON.stringify(line, (_name, value) => (typeof value === 'string' ? cut(value) : value)))
    if (Buffer.byteLength(text) <= this.#maxLineBytes) return text
    const { level, time, msg, account_id, request_id } = line
    const head = { level, time, msg, account_id, request_id, shortened: true }
    return escapeUnseen(JSON.stringify(head, (_name, value) => (typeof value === 'string' ? cut(value) : value)))
  }
}

/** What is no JSON is a message: the logger writes none. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return { level: 'info', time: new Date().toISOString(), msg: line.trimEnd() }
  }
}

function cut(text: string): string {
  return text.length > cutLength ? `${text.slice(0, cutLength)}…` : text
}
