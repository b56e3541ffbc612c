/**
 * What one mail server may say on one connection: so many bytes and lines for each command, and beside that what mailboxes tell by
 * themselves, at a rate. A server that says more floods us, and its connection ends.
 */

/** What the answer to one command may hold beside what is said unasked. */
interface Answer {
  /** Lines that begin with a number: EXISTS, EXPUNGE, FETCH. */
  numbers: number
  /** All other lines. */
  words: number
  bytes: number
  /** Lines that such an answer has as a rule: they are read at once. */
  asked: number
  /** The same of bytes: a mailbox that is indexed says more for minutes than a server that nobody asks may. */
  askedBytes: number
  /** Of a line that is no row of FETCH. */
  lineBytes: number
  /** Whether its lines are kept until it ends. */
  isCollected: boolean
  /** Whether the command asked not to be told how each message stands then. */
  isSilent: boolean
}

/** What came in one piece. */
export interface Taken {
  bytes: number
  numbers: number
  words: number
  /** Ends of commands among the words. */
  tagged: number
}

const kib = 1024
const mib = 1024 * kib
/** A server's list of keywords, capabilities or shares is far shorter. */
const lineBytes = 64 * kib
/** Of SELECT on most servers there are ten. */
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
/** Twice the folders that an answer of ours has room for, with a STATUS for each. */
const list: Readonly<Answer> = { ...ordinary, words: 40_000, bytes: 16 * mib, asked: 2_000, isCollected: true }
/** Of a million messages, where the server knows no ESEARCH. */
const search: Readonly<Answer> = { ...ordinary, bytes: 16 * mib, lineBytes: 8 * mib }
/** Mail that strangers make to be a burden has rows of megabytes; what is kept of them is little. */
const fetch = { bytes: 64 * mib, rowBytes: 4 * mib, usualRowBytes: 16 * kib, mostRows: 10_000 }
/** STORE of a flag tells each message's MODSEQ even where it is to be silent (RFC 7162, section 3.1.3), MOVE and EXPUNGE each that went. */
const change = { lineBytes: 1 * kib, mostLines: 10_000 }
/** An object of ours for a line that is kept. */
const collectedBytes = 1 * kib
/** A server that sends more than is read at once, for that long, floods. */
const maxSlowMs = 60_000

export class AnswerBudget {
  #answer: Answer = { ...ordinary }
  #isContinued = false
  #collected = 0
  #changedUids: number[] = []
  /** Commands whose ends have not come. */
  #underWay = 0
  /** Until the login stands, a greeting and a few lines are all that there is to say. */
  #numbers = new Bucket(500, 0)
  #words = new Bucket(500, 0)
  #bytes = new Bucket(256 * kib, 0)
  /** What is read at once; servers that say more wait for those that say less. */
  #promptLines = new Bucket(64, 20)
  readonly #promptBytes = new Bucket(4 * mib, 4 * mib)
  readonly #unaskedLines: number
  /** Since when it says more than is read at once; on the clock of `performance`. */
  #slowSince: number | undefined

  /** @param unaskedLines How many messages may change or go at once in a mailbox. */
  constructor(unaskedLines = 200_000) {
    this.#unaskedLines = unaskedLines
  }

  /** The login stands: from now on mailboxes tell what happens in them. */
  welcome(): void {
    this.#numbers = new Bucket(this.#unaskedLines, 100)
    this.#words = new Bucket(1_000, 10)
    this.#bytes = new Bucket(8 * mib, 8 * kib)
    this.#promptLines = new Bucket(256, 100)
  }

  /** Of a line that is no row of FETCH; held in memory until it ends. */
  get lineBytes(): number {
    return this.#answer.lineBytes
  }

  /** Whether rows that hold a UID and its MODSEQ, and nothing else, tell nobody anything. */
  get isSilent(): boolean {
    return this.#answer.isSilent
  }

  changed(uid: number): void {
    this.#changedUids.push(uid)
  }

  /** Messages of which the answer to the last command said that they have another MODSEQ, and nothing else. */
  get changedUids(): readonly number[] {
    return this.#changedUids
  }

  /** Bytes that wait in memory for the end of the command, about. */
  get collected(): number {
    return this.#collected
  }

  /** Whether what it says is read at once. */
  get isPrompt(): boolean {
    return this.#promptBytes.left > 0 && (this.#promptLines.left > 0 || this.#answer.asked > 0)
  }

  /** Hears what we say: each command buys its own answer, whatever its tag, and ends what was left of the one before. */
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

  /** @throws Error with the code `ServerFlood` when it is too much. */
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
    numbers: 2 * rows,
    bytes: fetch.bytes + rows * fetch.rowBytes,
    asked: rows + usualLines,
    askedBytes: rows * fetch.usualRowBytes,
  }
}

/** How many messages a set names; of one without an end, the first. */
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

/** Fills again with time. */
class Bucket {
  readonly #most: number
  readonly #perSecond: number
  #left: number
  #at = performance.now()

  constructor(most: number, perSecond: number) {
    this.#most = this.#left = most
    this.#perSecond = perSecond
  }

  /** Below zero when more was spent than there was; not so far that it would take long to fill again. */
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
