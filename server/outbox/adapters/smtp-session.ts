/**
 * One connection to an SMTP server, by which messages are sent one after the other. Of each it is known for certain whether the server can
 * have it: the final dot leaves only once all bytes were read without a fault, and until then nobody gets anything.
 */
import { Readable } from 'node:stream'
import { domainToASCII } from 'node:url'
import type SMTPConnection from 'nodemailer/lib/smtp-connection'
import { safeWords } from '../../accounts/safe-words.ts'
import type { Envelope } from '../../drafts/composed-message.ts'
import { ehloOffers } from '../ehlo-offers.ts'
import { type MessageBytes, type MessageFigures, NotSent, type SendOutcome, UnknownDelivery } from '../mail-sender.ts'

/** What the server said in answer to EHLO. */
interface Offers {
  names: ReadonlySet<string>
  /** RFC 1870; undefined where it names no limit. */
  maxBytes: number | undefined
}

interface SmtpError extends Error {
  code?: string | undefined
  command?: string | undefined
  response?: string | undefined
  responseCode?: number | undefined
  rejectedErrors?: SmtpError[] | undefined
  recipient?: string | undefined
}

/** Bytes on their way to the server. */
interface Body {
  /** All of them were read: from here on the server may have the message. */
  isWhole: boolean
  fault: unknown
}

export class SmtpSession {
  readonly #connection: SMTPConnection
  readonly #offers: Offers
  readonly #password: string
  #isOpen = true
  sent = 0

  /** @param connection Logged in. @param ehlo The answer to EHLO. */
  constructor(connection: SMTPConnection, ehlo: string, password: string) {
    this.#connection = connection
    this.#offers = offersOf(ehlo)
    this.#password = password
    connection.on('end', () => {
      this.#isOpen = false
    })
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Before a further message: it also tells whether the server is still there. */
  async reset(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const end = () => resolve(false)
    this.#connection.once('end', end)
    this.#connection.reset(error => resolve(!error))
    const isReset = await promise
    this.#connection.off('end', end)
    if (!isReset) this.close()
    return isReset
  }

  /** @throws NotSent, UnknownDelivery: then the session is closed, unless the server refused it and can take another. */
  async send(
    { from, to }: Envelope,
    bytes: MessageBytes,
    { sizeBytes, envelopeId }: MessageFigures,
    signal: AbortSignal,
  ): Promise<SendOutcome> {
    this.sent++
    // Before anything is made of them: what turns names into ASCII leaves out line ends.
    if ([from, ...to].some(email => /[\p{Cc}<>]/u.test(email))) throw badAddress()
    const wireFrom = wireAddress(from)
    const byWire = new Map(to.map(email => [wireAddress(email), email]))
    this.#check([wireFrom, ...byWire.keys()], sizeBytes)
    const body: Body = { isWhole: false, fault: undefined }
    const stream = Readable.from(this.#read(bytes, body), { objectMode: false })
    const { promise, resolve, reject } = Promise.withResolvers<SMTPConnection.SentMessageInfo>()
    const end = () => reject(new Error('the connection ended'))
    const abort = () => {
      reject(new Error('sending was stopped'))
      this.close()
    }
    signal.addEventListener('abort', abort, { once: true })
    this.#connection.once('end', end)
    const envelope: SMTPConnection.Envelope = {
      from: wireFrom,
      to: [...byWire.keys()],
      size: sizeBytes,
      use8BitMime: true,
      dsn: { ret: 'HDRS', envid: envelopeId, notify: ['FAILURE', 'DELAY'] },
    }
    try {
      if (signal.aborted) throw new Error('sending was stopped')
      this.#connection.send(envelope, stream, (error, info) => (error ? reject(error) : resolve(info!)))
      const info = await promise
      if (!body.isWhole) throw new NotSent('The mail server answered before it had the message.', protocolFault)
      return this.#outcome(info, byWire)
    } catch (error) {
      throw this.#told(error, body, byWire, signal)
    } finally {
      signal.removeEventListener('abort', abort)
      this.#connection.off('end', end)
      stream.destroy()
    }
  }

  /** Says goodbye; nobody waits for the answer. */
  quit(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#connection.quit()
    setTimeout(() => this.#connection.close(), 1_000).unref()
  }

  close(): void {
    this.#isOpen = false
    this.#connection.close()
  }

  #check(addresses: string[], sizeBytes: number): void {
    const { names, maxBytes } = this.#offers
    if (addresses.some(address => /[^\x20-\x7e]/.test(address)) && !names.has('SMTPUTF8')) {
      const message =
        'An address has letters beyond ASCII before the @, and the mail server does not support those (SMTPUTF8).'
      throw new NotSent(message, { isTemporary: false, code: 'smtputf8_needed' })
    }
    if (maxBytes !== undefined && sizeBytes > maxBytes) {
      const message = `The message has ${sizeBytes} bytes; the mail server takes ${maxBytes} at most.`
      throw new NotSent(message, { isTemporary: false, code: 'too_large' })
    }
  }

  /** Exactly these bytes: nodemailer would repair bare CR and LF, so what has any is refused. */
  async *#read(bytes: MessageBytes, body: Body): AsyncGenerator<Uint8Array> {
    try {
      // Where a server answers otherwise than with 354, it would take the message for commands.
      if (!/^354/.test(this.#connection.lastServerResponse || '')) {
        throw new NotSent('The mail server does not wait for the message.', protocolFault)
      }
      const lines = new LineCheck(this.#offers.names.has('8BITMIME'))
      for await (const piece of bytes) {
        lines.check(piece)
        yield piece
      }
      lines.end()
      body.isWhole = true
    } catch (error) {
      body.fault = error
      // Another one: nodemailer changes what it is given.
      throw new Error('the message could not be read')
    }
  }

  #outcome(info: SMTPConnection.SentMessageInfo, byWire: ReadonlyMap<string, string>): SendOutcome {
    return {
      response: this.#words(info.response),
      accepted: info.accepted.map(address => byWire.get(address) ?? address),
      refused: this.#refused(info.rejectedErrors, byWire),
    }
  }

  #refused(errors: SmtpError['rejectedErrors'], byWire: ReadonlyMap<string, string>): SendOutcome['refused'] {
    return (errors ?? []).flatMap(({ recipient, response = '', responseCode = 0 }) => {
      if (recipient === undefined) return []
      const email = byWire.get(recipient) ?? recipient
      return [{ email, response: this.#words(response), isTemporary: responseCode < 500 }]
    })
  }

  /** What an error says of the message for certain. */
  #told(
    error: unknown,
    body: Body,
    byWire: ReadonlyMap<string, string>,
    { aborted, reason }: AbortSignal,
  ): NotSent | UnknownDelivery {
    const thrown = (error instanceof Error ? error : new Error(String(error))) as SmtpError
    const { code, command, response, responseCode = 0 } = thrown
    const isRefused = responseCode >= 400 && responseCode <= 599
    if (isRefused && (code === 'EENVELOPE' || code === 'EMESSAGE')) {
      // Refused while it came: the server does not have it whole, and goes on to take it.
      if (code === 'EMESSAGE' && !body.isWhole) this.close()
      const refused = command === 'RCPT TO' ? this.#refused(thrown.rejectedErrors, byWire) : []
      return new NotSent('The mail server refused the message.', {
        isTemporary: responseCode < 500,
        code: 'refused',
        serverResponse: this.#words(response ?? ''),
        refused,
      })
    }
    this.close()
    if (body.isWhole) return new UnknownDelivery(new Error(this.#words(thrown.message)))
    if (body.fault instanceof NotSent) return body.fault
    const isLate = reason instanceof Error && reason.name === 'TimeoutError'
    if (aborted && !isLate) return new NotSent('Sending was stopped.', { isTemporary: true, code: 'stopped' })
    if (thrown instanceof NotSent) return thrown
    if (body.fault !== undefined) {
      const why = 'The message could not be read.'
      return new NotSent(why, { isTemporary: true, code: 'unreadable', cause: body.fault })
    }
    if (code === 'EENVELOPE') return badAddress()
    const message = 'The connection was lost before the mail server had the message.'
    const serverResponse = response ? this.#words(response) : null
    return new NotSent(message, { isTemporary: true, code: 'connection_lost', serverResponse, cause: error })
  }

  #words(text: string): string {
    return safeWords(text, this.#password)
  }
}

const protocolFault = { isTemporary: true, code: 'protocol' }

/** SMTP has lines, each ended by CR LF; a message that is no sequence of them cannot be sent as it is. */
class LineCheck {
  readonly #takes8Bit: boolean
  #last = 0

  constructor(takes8Bit: boolean) {
    this.#takes8Bit = takes8Bit
  }

  check(piece: Uint8Array): void {
    for (const byte of piece) {
      if ((byte === 0x0a) !== (this.#last === 0x0d)) throw notLines('has a CR or LF that is not part of a CR LF')
      if (byte > 0x7f && !this.#takes8Bit) throw notLines('has bytes that the mail server does not take (8BITMIME)')
      this.#last = byte
    }
  }

  end(): void {
    if (this.#last !== 0x0a) throw notLines('does not end with a CR LF')
  }
}

function badAddress(): NotSent {
  return new NotSent('An address of the message is not one.', { isTemporary: false, code: 'bad_address' })
}

function notLines(why: string): NotSent {
  return new NotSent(`The message ${why}.`, { isTemporary: false, code: 'bad_message' })
}

function offersOf(ehlo: string): Offers {
  const names = new Set<string>()
  let maxBytes: number | undefined
  for (const line of ehloOffers(ehlo)) {
    const [name = '', size] = line.split(' ')
    names.add(name)
    if (name === 'SIZE' && size !== undefined && /^\d{1,15}$/.test(size) && Number(size) > 0) maxBytes = Number(size)
  }
  return { names, maxBytes }
}

/** Names of hosts have a form in ASCII; what stands before the @ has none. */
function wireAddress(email: string): string {
  const at = email.lastIndexOf('@')
  const domain = email.slice(at + 1)
  if (!/[^\x20-\x7e]/.test(domain) || !/^[\p{L}\p{M}\p{N}.-]+$/u.test(domain)) return email
  const ascii = domainToASCII(domain)
  return ascii === '' ? email : `${email.slice(0, at)}@${ascii}`
}
