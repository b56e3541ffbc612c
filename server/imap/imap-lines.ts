/**
 * Reports the dialogue of an IMAP connection, command by command: commands and status responses, never message content
 * or credentials. The byte stream is only scanned for line ends.
 */
import type { LineListener } from '../accounts/protocol-log.ts'

/** Commands whose arguments are folder names, numbers and items; of all others only the name is reported. */
const openCommands = new Set(
  (
    'CAPABILITY NOOP LOGOUT STARTTLS ID ENABLE SELECT EXAMINE STATUS LIST LSUB NAMESPACE FETCH STORE COPY MOVE EXPUNGE IDLE CREATE RENAME ' +
    'DELETE SUBSCRIBE UNSUBSCRIBE GETQUOTA GETQUOTAROOT CLOSE UNSELECT CHECK'
  ).split(' '),
)
/** Untagged responses about the server or a folder, which are reported whole. */
const openResponses = new Set(
  'OK NO BAD BYE PREAUTH CAPABILITY ENABLED NAMESPACE QUOTA QUOTAROOT ID FLAGS EXISTS RECENT'.split(' '),
)
const loginCommands = new Set(['LOGIN', 'AUTHENTICATE'])
/** Bytes buffered of an incomplete line; the rest is dropped. */
const mostHeld = 8 * 1024
const lineFeed = 0x0a
const star = 0x2a
const closingBrace = 0x7d

export class ImapLines {
  readonly #emit: LineListener
  readonly #client = new LineHeads(head => this.#fromClient(head))
  readonly #server = new LineHeads(head => this.#fromServer(head))
  /** Tag of the login command: until it is answered, nothing that the client sends is reported. */
  #loginTag: string | undefined

  constructor(emit: LineListener) {
    this.#emit = emit
  }

  sent(bytes: Buffer): void {
    this.#client.push(bytes)
  }

  received(bytes: Buffer): void {
    this.#server.push(bytes)
  }

  #fromClient(head: Buffer): void {
    if (this.#loginTag !== undefined) return
    const line = head.toString()
    if (line === 'DONE') return this.#emit('client', line)
    const [, tag = '', first = '', uid = ''] = /^(\S{1,40}) ([A-Za-z]{1,20})(?: ([A-Za-z]{1,20}))?/.exec(line) ?? []
    if (tag === '') return this.#emit('client', '…')
    const command = first.toUpperCase()
    if (loginCommands.has(command)) {
      this.#loginTag = tag
      const [mechanism = ''] =
        command === 'AUTHENTICATE' ? (/^[A-Z0-9-]{1,20}$/i.exec(line.split(' ', 3)[2] ?? '') ?? []) : []
      return this.#emit('client', [tag, command, mechanism, '…'].filter(Boolean).join(' '))
    }
    const inner = command === 'UID' ? uid.toUpperCase() : command
    if (openCommands.has(inner)) return this.#emit('client', line)
    this.#emit('client', `${tag} ${command === 'UID' ? `UID ${inner}` : command} …`)
  }

  #fromServer(head: Buffer): void {
    // Rows of messages are by far the most frequent lines.
    if (head[0] === star && isFetch(head)) return this.#emit('server', '* FETCH …')
    const line = head.toString()
    if (line.startsWith('+')) return this.#emit('server', '+ …')
    if (line.startsWith('* ')) return this.#emit('server', untagged(line))
    const [, tag, word = ''] = /^(\S{1,40}) (\S{1,10})/.exec(line) ?? []
    if (tag !== undefined && tag === this.#loginTag) this.#loginTag = undefined
    this.#emit('server', /^(OK|NO|BAD)$/i.test(word) ? line : '…')
  }
}

/** Matches `* 12 FETCH`. */
function isFetch(head: Buffer): boolean {
  let at = 2
  while (at < head.length && head[at]! >= 0x30 && head[at]! <= 0x39) at++
  return at > 2 && head.toString('latin1', at, at + 6).toUpperCase() === ' FETCH'
}

function untagged(line: string): string {
  const [, number, word = ''] = /^\* (\d{1,20} )?([A-Za-z0-9-]{1,20})/.exec(line) ?? []
  const name = word.toUpperCase()
  if (openResponses.has(name)) return line
  if (name === 'EXPUNGE' && number !== undefined) return '* EXPUNGE …'
  return name === '' ? '* …' : `* ${name} …`
}

/** Emits the beginning of each line, up to its first literal. Literals are skipped unread. */
class LineHeads {
  readonly #onHead: (head: Buffer) => void
  /** Bytes left to skip of the current literal. */
  #skip = 0
  /** The beginning of a line whose end has not arrived. */
  #held: Buffer | undefined
  /** The last bytes of an incomplete line, where it may announce a literal. */
  #end: Buffer | undefined
  /** True when the next bytes continue a line that was already reported. */
  #isRest = false

  constructor(onHead: (head: Buffer) => void) {
    this.#onHead = onHead
  }

  push(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, bytes.length - at)
        this.#skip -= skipped
        at += skipped
        continue
      }
      const feed = bytes.indexOf(lineFeed, at)
      if (feed < 0) return this.#hold(bytes.subarray(at))
      this.#line(bytes.subarray(at, feed))
      at = feed + 1
    }
  }

  #line(bytes: Buffer): void {
    const before = this.#held
    const end = this.#end ? Buffer.concat([this.#end, bytes]) : bytes
    const whole = before ? joined(before, bytes) : bytes
    this.#held = undefined
    this.#end = undefined
    const line = whole.at(-1) === 0x0d ? whole.subarray(0, -1) : whole
    const literal = literalOf(end)
    if (!this.#isRest) this.#onHead(line.subarray(0, mostHeld))
    this.#isRest = literal !== undefined
    this.#skip = literal ?? 0
  }

  #hold(bytes: Buffer): void {
    const end = this.#end ? Buffer.concat([this.#end, bytes]) : bytes
    this.#end = Buffer.from(end.subarray(-32))
    this.#held = this.#held ? joined(this.#held, bytes) : Buffer.from(bytes.subarray(0, mostHeld))
  }
}

function joined(before: Buffer, bytes: Buffer): Buffer {
  return before.length >= mostHeld ? before : Buffer.concat([before, bytes.subarray(0, mostHeld - before.length)])
}

/** Returns the size of the literal that follows the line (RFC 9051, section 4.3); undefined when none does. */
function literalOf(line: Buffer): number | undefined {
  const last = line.at(-1) === 0x0d ? line.length - 2 : line.length - 1
  if (line[last] !== closingBrace) return undefined
  const size = /\{(\d{1,12})\+?\}$/.exec(line.toString('latin1', Math.max(0, last - 20), last + 1))?.[1]
  return size === undefined ? undefined : Number(size)
}
