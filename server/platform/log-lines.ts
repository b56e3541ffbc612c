/** Sits before the log's output: redacts what looks like a secret, and holds the last lines in memory. */
import { escapeUnseen, LogSecrets } from './log-secrets.ts'

/** A destination for pino. */
export interface LogOutput {
  write(line: string): void
}

export interface HeldLine {
  /** Sequence number since the start of the process. */
  number: number
  /** The line as JSON. */
  text: string
}

export interface LogLinesOptions {
  out: LogOutput
  secrets?: LogSecrets
  maxLines?: number
  /** Size limit of all held lines; `maxLineBytes` is that of one, past which it is shortened. */
  maxBytes?: number
  maxLineBytes?: number
}

type Line = Record<string, unknown>

/** Characters to which each string of a line that is too long is truncated. */
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

  /** Writes a line. Never throws, since logging must not break its caller. */
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

  /** Held lines, oldest first. */
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

/** Parses a line; anything but JSON, which the logger never writes, is treated as a message. */
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
