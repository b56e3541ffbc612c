/**
 * One connection to an SMTP server, over which messages are sent one after the other. Whether the server can have a
 * message is always certain: the final dot is sent only once all bytes were read without an error.
 */
import { Readable } from 'node:stream'
import { domainToASCII } from 'node:url'
import type SMTPConnection from 'nodemailer/lib/smtp-connection'
import { safeWords } from '../../accounts/safe-words.ts'
import type { Envelope } from '../../drafts/composed-message.ts'
import { ehloOffers } from '../ehlo-offers.ts'
import { type MessageBytes, type MessageFigures, NotSent, type SendOutcome, UnknownDelivery } from '../mail-sender.ts'

/** The extensions in the server's response to EHLO. */
interface Offers {
  names: ReadonlySet<string>
  /** SIZE (RFC 1870); undefined without a limit. */
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

/** The state of a message body on its way to the server. */
interface Body {
  /** Whether all bytes were read: from then on the server may have the message. */
  isWhole: boolean
  fault: unknown
}

export class SmtpSession {
  readonly #connection: SMTPConnection
  readonly #offers: Offers
  readonly #password: string
  #isOpen = true
  sent = 0

  /** @param connection Already logged in. @param ehlo The response to EHLO. */
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

  /** Resets the session for the next message, which also checks that the server still responds. */
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

  /** @throws NotSent, UnknownDelivery: the session is closed then, unless the server can take another message. */
  async send(
    { from, to }: Envelope,
    bytes: MessageBytes,
    { sizeBytes, envelopeId }: MessageFigures,
    signal: AbortSignal,
  ): Promise<SendOutcome> {
    this.sent++
    // Checked before any conversion: the one to ASCII drops line ends.
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
      if (!body.isWhole) throw new NotSent('The mail server responded before it had the message.', protocolFault)
      return this.#outcome(info, byWire)
    } catch (error) {
      throw this.#deliveryError(error, body, byWire, signal)
    } finally {
      signal.removeEventListener('abort', abort)
      this.#connection.off('end', end)
      stream.destroy()
    }
  }

  /** Sends QUIT without waiting for the response. */
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

  /** Yields exactly these bytes. nodemailer would repair a bare CR or LF, so a message with one is refused. */
  async *#read(bytes: MessageBytes, body: Body): AsyncGenerator<Uint8Array> {
    try {
      // After any response but 354 the server would take the message for commands.
      if (!/^354/.test(this.#connection.lastServerResponse || '')) {
        throw new NotSent('The mail server is not ready for the message.', protocolFault)
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
      // A new error, because nodemailer modifies the one it is given.
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

  /** Translates an error into what is certain about the message. */
  #deliveryError(
    error: unknown,
    body: Body,
    byWire: ReadonlyMap<string, string>,
    { aborted, reason }: AbortSignal,
  ): NotSent | UnknownDelivery {
    const thrown = (error instanceof Error ? error : new Error(String(error))) as SmtpError
    const { code, command, response, responseCode = 0 } = thrown
    const isRefused = responseCode >= 400 && responseCode <= 599
    if (isRefused && (code === 'EENVELOPE' || code === 'EMESSAGE')) {
      // Refused while in transfer: the server does not have it whole, and is still reading.
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

/** Checks that a message is a sequence of lines, each ended by CR LF; SMTP can carry nothing else unchanged. */
class LineCheck {
  readonly #takes8Bit: boolean
  #last = 0

  constructor(takes8Bit: boolean) {
    this.#takes8Bit = takes8Bit
  }

  check(piece: Uint8Array): void {
    for (const byte of piece) {
      if ((byte === 0x0a) !== (this.#last === 0x0d)) throw notLines('has a CR or LF that is not part of a CR LF')
      if (byte > 0x7f && !this.#takes8Bit) throw notLines('has bytes that the mail server does not accept (8BITMIME)')
      this.#last = byte
    }
  }

  end(): void {
    if (this.#last !== 0x0a) throw notLines('does not end with a CR LF')
  }
}

function badAddress(): NotSent {
  return new NotSent('The message has an invalid address.', { isTemporary: false, code: 'bad_address' })
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

/** Encodes the domain in ASCII (IDNA); the local part has no such form. */
function wireAddress(email: string): string {
  const at = email.lastIndexOf('@')
  const domain = email.slice(at + 1)
  if (!/[^\x20-\x7e]/.test(domain) || !/^[\p{L}\p{M}\p{N}.-]+$/u.test(domain)) return email
  const ascii = domainToASCII(domain)
  return ascii === '' ? email : `${email.slice(0, at)}@${ascii}`
}
