/**
 * Budgets what a mail server may send on one connection: bytes and lines per command, plus unsolicited updates at a
 * limited rate. A server that exceeds it is flooding, and its connection is closed.
 */

/** Budget of the response to one command, on top of unsolicited data. */
interface Answer {
  /** Lines that begin with a number: EXISTS, EXPUNGE, FETCH. */
  numbers: number
  /** All other lines. */
  words: number
  bytes: number
  /** Lines that such a response usually has; they are read promptly. */
  asked: number
  /** Bytes read promptly: indexing a mailbox legitimately transfers more, for minutes, than idle servers may. */
  askedBytes: number
  /** Maximum bytes of a line other than a FETCH row. */
  lineBytes: number
  /** True when the lines stay in memory until the response is complete. */
  isCollected: boolean
  /** True when the command asked not to be sent the resulting flags (.SILENT). */
  isSilent: boolean
}

/** Bytes and lines consumed of one chunk. */
export interface Taken {
  bytes: number
  numbers: number
  words: number
  /** Completion lines of commands, a subset of `words`. */
  tagged: number
}

const kib = 1024
const mib = 1024 * kib
/** Maximum bytes of an ordinary line; lists of keywords, capabilities or shares are far shorter. */
const lineBytes = 64 * kib
/** Lines read promptly after a command; the response to SELECT has about ten on most servers. */
const usualLines = 30
const ordinary: Readonly<Answer> = {
  numbers: 0,
  words: 100,
  bytes: mib,
  asked: usualLines,
  askedBytes: 0,
  lineBytes,
  isCollected: false,
  isSilent: false,
}
const none: Readonly<Answer> = { ...ordinary, words: 0, bytes: 0, asked: 0 }
/** Budget of a list: twice the folders that our responses have room for, with a STATUS each. */
const list: Readonly<Answer> = { ...ordinary, words: 40_000, bytes: 16 * mib, asked: 2_000, isCollected: true }
/** Budget of a search: enough for a million matches, on servers without ESEARCH. */
const search: Readonly<Answer> = { ...ordinary, bytes: 16 * mib, lineBytes: 8 * mib }
/**
 * Budget of FETCH, per command and per row: hostile mail has rows of megabytes, of which little is kept. A line ends at
 * each literal of a row: nearly all rows have one or two, and some servers send all strings of an envelope as literals.
 */
const fetch = { bytes: 64 * mib, rowBytes: 4 * mib, usualRowBytes: 16 * kib, usualRowLines: 12, mostRows: 10_000 }
/** Budget per message: even silent STORE reports its MODSEQ (RFC 7162, section 3.1.3), MOVE and EXPUNGE its removal. */
const change = { lineBytes: 1 * kib, mostLines: 10_000 }
/** Estimated size of the object that holds a collected line. */
const collectedBytes = 1 * kib
/** A server that exceeds the prompt rate for this long is flooding. */
const maxSlowMs = 60_000

export class AnswerBudget {
  #answer: Answer = { ...ordinary }
  #isContinued = false
  #collected = 0
  #changedUids: number[] = []
  /** Commands that were not completed yet. */
  #underWay = 0
  /** Budgets of unsolicited data; before the login they only allow a greeting and a few lines. */
  #numbers = new Bucket(500, 0)
  #words = new Bucket(500, 0)
  #bytes = new Bucket(256 * kib, 0)
  /** Budgets of what is read promptly; servers that exceed them yield to those that send less. */
  #promptLines = new Bucket(64, 20)
  readonly #promptBytes = new Bucket(4 * mib, 4 * mib)
  readonly #unaskedLines: number
  /** Time by `performance.now()` since which it has exceeded the prompt rate. */
  #slowSince: number | undefined

  /** @param unaskedLines Messages of a mailbox that may change or vanish at once. */
  constructor(unaskedLines = 200_000) {
    this.#unaskedLines = unaskedLines
  }

  /** Called after the login: from now on the server may report mailbox changes unsolicited. */
  welcome(): void {
    this.#numbers = new Bucket(this.#unaskedLines, 100)
    this.#words = new Bucket(1_000, 10)
    this.#bytes = new Bucket(8 * mib, 8 * kib)
    this.#promptLines = new Bucket(256, 100)
  }

  /** Maximum bytes of a line other than a FETCH row; a line is buffered until it ends. */
  get lineBytes(): number {
    return this.#answer.lineBytes
  }

  /** True when rows with only a UID and its MODSEQ are of no interest. */
  get isSilent(): boolean {
    return this.#answer.isSilent
  }

  changed(uid: number): void {
    this.#changedUids.push(uid)
  }

  /** UIDs for which the response to the last command reported a new MODSEQ, and nothing else. */
  get changedUids(): readonly number[] {
    return this.#changedUids
  }

  /** Approximate bytes held in memory until the command completes. */
  get collected(): number {
    return this.#collected
  }

  /** True while the connection's data is read promptly. */
  get isPrompt(): boolean {
    return this.#promptBytes.left > 0 && (this.#promptLines.left > 0 || this.#answer.asked > 0)
  }

  /** Called with what we send: each command replaces the budget of the previous response by that of its own. */
  sent(chunk: Buffer): void {
    const isCommand = !this.#isContinued
    this.#isContinued = /\}\r\n$/.test(chunk.toString('latin1', Math.max(0, chunk.length - 3)))
    if (!isCommand) return
    const [, name = '', set = '', item = ''] =
      /^[0-9A-Za-z]+ (?:UID )?([A-Z]+) ?([\d:,*]*)(?: ([+-]FLAGS\.SILENT) )?/.exec(
        chunk.toString('latin1', 0, 16 * kib),
      ) ?? []
    if (name === '') return
    this.#underWay++
    this.#changedUids = []
    this.#begin({ ...answerTo(name, set), isSilent: name === 'STORE' && item !== '' })
  }

  /** Spends the budget. @throws Error with the code `ServerFlood` when it is exceeded. */
  take({ bytes, numbers, words, tagged }: Taken): void {
    const answer = this.#answer
    const lines = numbers + words
    const asked = Math.min(lines, answer.asked)
    answer.asked -= asked
    this.#promptLines.spend(lines - asked)
    const askedBytes = Math.min(bytes, answer.askedBytes)
    answer.askedBytes -= askedBytes
    this.#promptBytes.spend(bytes - askedBytes)
    if (answer.isCollected) this.#collected += bytes + words * collectedBytes
    const isWithin = [
      spend(answer, 'numbers', numbers, this.#numbers),
      spend(answer, 'words', words, this.#words),
      spend(answer, 'bytes', bytes, this.#bytes),
    ]
    if (isWithin.includes(false) || this.#isSlowForLong()) throw floods()
    this.#underWay = Math.max(0, this.#underWay - tagged)
    if (tagged > 0 && this.#underWay === 0) this.#begin(none)
  }

  #isSlowForLong(): boolean {
    if (this.isPrompt) this.#slowSince = undefined
    else this.#slowSince ??= performance.now()
    return this.#slowSince !== undefined && performance.now() - this.#slowSince > maxSlowMs
  }

  #begin(answer: Readonly<Answer>): void {
    this.#answer = { ...answer }
    this.#collected = 0
  }
}

export function floods(): Error {
  return Object.assign(new Error('The server sent far more than requested.'), { code: 'ServerFlood' })
}

function answerTo(command: string, set: string): Readonly<Answer> {
  if (/^(LIST|XLIST|LSUB|STATUS)$/.test(command)) return list
  if (/^(SEARCH|SORT)$/.test(command)) return search
  if (/^(STORE|MOVE|EXPUNGE)$/.test(command)) {
    const lines = Math.min(countOf(set), change.mostLines)
    return {
      ...ordinary,
      numbers: 2 * lines,
      bytes: ordinary.bytes + lines * change.lineBytes,
      asked: lines + usualLines,
    }
  }
  if (command !== 'FETCH') return ordinary
  const rows = Math.min(countOf(set), fetch.mostRows)
  return {
    ...ordinary,
    numbers: rows * fetch.usualRowLines,
    bytes: fetch.bytes + rows * fetch.rowBytes,
    asked: rows * fetch.usualRowLines + usualLines,
    askedBytes: rows * fetch.usualRowBytes,
  }
}

/** Counts the messages of a set; an open-ended range counts as one. */
function countOf(set: string): number {
  let count = 0
  for (const range of set.split(',')) {
    const [first = 0, last = first] = range.split(':').map(Number)
    count += Number.isFinite(last - first) ? Math.abs(last - first) + 1 : 1
  }
  return count
}

function spend(answer: Answer, what: 'numbers' | 'words' | 'bytes', count: number, rest: Bucket): boolean {
  const own = Math.min(count, answer[what])
  answer[what] -= own
  rest.spend(count - own)
  return rest.left >= 0
}

/** A token bucket that refills over time. */
class Bucket {
  readonly #most: number
  readonly #perSecond: number
  #left: number
  #at = performance.now()

  constructor(most: number, perSecond: number) {
    this.#most = this.#left = most
    this.#perSecond = perSecond
  }

  /** Tokens left; negative when overdrawn, but never by more than the capacity. */
  get left(): number {
    const now = performance.now()
    this.#left = Math.min(this.#most, this.#left + ((now - this.#at) / 1_000) * this.#perSecond)
    this.#at = now
    return this.#left
  }

  spend(count: number): void {
    this.#left = Math.max(-this.#most, this.left - count)
  }
}
