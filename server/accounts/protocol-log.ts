/**
 * Keeps the last protocol lines to and from the mail servers of each account: in memory, bounded, and without secrets.
 * The listeners' callers decide what a line may contain.
 */
import { secretForms } from './secret-forms.ts'

export type Speaker = 'client' | 'server'
/** Called with each line, or the beginning of a long one. */
export type LineListener = (from: Speaker, line: string) => void

export interface ProtocolLine {
  /** Epoch milliseconds; if the line was repeated, the time of the last repetition. */
  at: number
  part: 'imap' | 'smtp'
  /** The number of the connection since the server started. */
  connection: number
  from: Speaker
  text: string
  /** How often the line was repeated in succession. */
  count: number
}

export interface ProtocolBounds {
  /** Upper bound of lines per account. */
  lines: number
  /** Upper bound of characters per line. */
  characters: number
  /** Upper bound of characters of all accounts; beyond it the account that was silent longest is evicted. */
  allCharacters: number
}

export const protocolBounds: ProtocolBounds = { lines: 200, characters: 500, allCharacters: 8 * 1024 * 1024 }
/** Characters of a line that are searched for secrets before it is truncated. */
const looked = 8 * 1024

interface Ring {
  lines: ProtocolLine[]
  characters: number
}

export class ProtocolLog {
  readonly #bounds: ProtocolBounds
  readonly #now: () => number
  /** The lines by account; the account that spoke last is the last entry. */
  readonly #rings = new Map<string, Ring>()
  #last: string | undefined
  #characters = 0
  #connections = 0

  constructor(bounds: Partial<ProtocolBounds> = {}, now: () => number = Date.now) {
    this.#bounds = { ...protocolBounds, ...bounds }
    this.#now = now
  }

  /**
   * Returns a listener for one connection.
   * @param secrets What must never be kept, in any form.
   */
  open(accountId: string, part: ProtocolLine['part'], secrets: readonly string[]): LineListener {
    const connection = ++this.#connections
    const { clean, longest } = secretForms(secrets)
    const { characters } = this.#bounds
    let lastSaid = ''
    let last: ProtocolLine | undefined
    return (from, said) => {
      // Rows of message lists repeat by the hundred.
      if (last && said === lastSaid && from === last.from && this.#rings.get(accountId)?.lines.at(-1) === last) {
        last.count++
        last.at = this.#now()
        return
      }
      lastSaid = said
      const isLong = said.length > looked
      const whole = clean(isLong ? said.slice(0, looked) : said)
      // A secret that was cut in two would not be recognised.
      const text = tidy(isLong ? whole.slice(0, -longest || undefined) : whole).slice(0, characters)
      last = this.#keep(accountId, { at: this.#now(), part, connection, from, text, count: 1 })
    }
  }

  /** Returns the lines, oldest first. */
  linesOf(accountId: string): readonly ProtocolLine[] {
    return this.#rings.get(accountId)?.lines ?? []
  }

  forget(accountId: string): void {
    const ring = this.#rings.get(accountId)
    if (!ring) return
    this.#characters -= ring.characters
    this.#rings.delete(accountId)
    if (this.#last === accountId) this.#last = undefined
  }

  /** @returns The kept line: the previous one, if it says the same. */
  #keep(accountId: string, line: ProtocolLine): ProtocolLine {
    const ring = this.#ringOf(accountId)
    const { lines } = ring
    const before = lines.at(-1)
    if (before?.text === line.text && before.connection === line.connection && before.from === line.from) {
      before.count++
      before.at = line.at
      return before
    }
    lines.push(line)
    this.#count(ring, line.text.length)
    if (lines.length > this.#bounds.lines) this.#count(ring, -lines.shift()!.text.length)
    while (this.#characters > this.#bounds.allCharacters) {
      const [oldest] = this.#rings.keys()
      if (oldest === undefined) break
      this.forget(oldest)
    }
    return line
  }

  #ringOf(accountId: string): Ring {
    const known = this.#rings.get(accountId)
    if (known && this.#last === accountId) return known
    const ring = known ?? { lines: [], characters: 0 }
    this.#rings.delete(accountId)
    this.#rings.set(accountId, ring)
    this.#last = accountId
    return ring
  }

  #count(ring: Ring, characters: number): void {
    ring.characters += characters
    this.#characters += characters
  }
}

/** Returns the text as one printable line. */
function tidy(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text
  return text.toWellFormed().replaceAll(/[\p{Cc}\p{Default_Ignorable_Code_Point}\u2028\u2029\ufff9-\ufffb]+/gu, ' ')
}
