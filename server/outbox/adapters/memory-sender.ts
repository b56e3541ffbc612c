/**
 * Sends to a mail server in memory, for tests and code built on the port: it keeps the messages it accepted, and can be
 * set to refuse.
 */
import type { LoginSource } from '../../accounts/mail-login.ts'
import type { Envelope } from '../../drafts/composed-message.ts'
import {
  type MailSender,
  type MailSenders,
  type MessageBytes,
  type MessageFigures,
  NotSent,
  type SendOutcome,
  UnknownDelivery,
} from '../mail-sender.ts'

export interface MemoryMessage {
  accountId: string
  envelope: Envelope
  bytes: Buffer
}

/** Behaviour of the server, set by a test. Responses begin with an SMTP reply code. */
export interface MemoryServer {
  /** The error while the server is down or refuses every login. */
  away?: { code: string; response: string } | undefined
  maxBytes?: number
  isUtf8?: boolean
  /** Returns the response that refuses a recipient; undefined to accept it. */
  recipient?(email: string): string | undefined
  /** Called before the bytes are read. */
  before?(envelope: Envelope): Promise<void> | void
  /**
   * Called with the whole message: returns the response that refuses it, `lose` to break the connection, undefined to
   * accept it.
   */
  message?(message: MemoryMessage): Promise<string | 'lose' | undefined> | string | 'lose' | undefined
}

export class MemorySenders implements MailSenders {
  readonly taken: MemoryMessage[] = []
  /** Connections in use, and the highest number so far. */
  busy = 0
  mostBusy = 0
  /** Senders opened so far: one for each login. */
  opened = 0
  server: MemoryServer = {}

  open(accountId: string, _login: LoginSource, connections: number): MailSender {
    this.opened++
    return new MemorySender(accountId, connections, this)
  }
}

class MemorySender implements MailSender {
  readonly #accountId: string
  readonly #connections: number
  readonly #senders: MemorySenders
  readonly #closed = new AbortController()
  readonly #waiting: (() => void)[] = []
  #busy = 0

  constructor(accountId: string, connections: number, senders: MemorySenders) {
    this.#accountId = accountId
    this.#connections = connections
    this.#senders = senders
  }

  async send(
    envelope: Envelope,
    bytes: MessageBytes,
    figures: MessageFigures,
    signal: AbortSignal,
  ): Promise<SendOutcome> {
    while (this.#busy >= this.#connections) await new Promise<void>(resolve => this.#waiting.push(resolve))
    this.#busy++
    const senders = this.#senders
    senders.mostBusy = Math.max(senders.mostBusy, ++senders.busy)
    try {
      return await this.#send(envelope, bytes, figures, AbortSignal.any([signal, this.#closed.signal]))
    } finally {
      this.#busy--
      senders.busy--
      this.#waiting.shift()?.()
    }
  }

  async close(): Promise<void> {
    this.#closed.abort()
  }

  async #send(
    envelope: Envelope,
    bytes: MessageBytes,
    { sizeBytes }: MessageFigures,
    signal: AbortSignal,
  ): Promise<SendOutcome> {
    const { server, taken } = this.#senders
    const stopped = () => new NotSent('Sending was stopped.', { isTemporary: true, code: 'stopped' })
    if (signal.aborted) throw stopped()
    if (server.away) {
      const { code, response: serverResponse } = server.away
      throw new NotSent('The mail server is down.', { isTemporary: true, code, serverResponse, concernsAccount: true })
    }
    this.#check(envelope, sizeBytes)
    const { accepted, refused } = answersOf(envelope, server)
    if (accepted.length === 0) throw allRefused(refused)
    await server.before?.(envelope)
    if (signal.aborted) throw stopped()
    const message = { accountId: this.#accountId, envelope: { ...envelope, to: accepted }, bytes: await read(bytes) }
    const said = (await server.message?.(message)) ?? '250 2.0.0 queued'
    if (said !== 'lose' && !said.startsWith('2')) throw refusal(said)
    taken.push(message)
    if (said === 'lose' || signal.aborted) throw new UnknownDelivery(new Error('the connection was lost'))
    return { response: said, accepted, refused }
  }

  #check({ from, to }: Envelope, sizeBytes: number): void {
    const { maxBytes, isUtf8 = true } = this.#senders.server
    const needsUtf8 = [from, ...to].some(email => /[^\x20-\x7e]/.test(email.slice(0, email.lastIndexOf('@'))))
    if (needsUtf8 && !isUtf8) {
      throw new NotSent('The mail server does not support SMTPUTF8.', { isTemporary: false, code: 'smtputf8_needed' })
    }
    if (maxBytes !== undefined && sizeBytes > maxBytes) {
      const message = `The message has ${sizeBytes} bytes; the mail server takes ${maxBytes} at most.`
      throw new NotSent(message, { isTemporary: false, code: 'too_large' })
    }
  }
}

function answersOf({ to }: Envelope, server: MemoryServer) {
  const answers = to.map(email => ({ email, response: server.recipient?.(email) }))
  return {
    accepted: answers.filter(({ response }) => response === undefined).map(({ email }) => email),
    refused: answers.flatMap(({ email, response }) =>
      response === undefined ? [] : [{ email, response, isTemporary: response.startsWith('4') }],
    ),
  }
}

function allRefused(refused: SendOutcome['refused']): NotSent {
  const first = refused.find(({ isTemporary }) => isTemporary) ?? refused[0]
  const { isTemporary = false, response = '' } = first ?? {}
  return new NotSent('The mail server refused the message.', {
    isTemporary,
    code: 'refused',
    serverResponse: response,
    refused,
  })
}

function refusal(said: string): NotSent {
  const isTemporary = said.startsWith('4')
  return new NotSent('The mail server refused the message.', { isTemporary, code: 'refused', serverResponse: said })
}

/** @throws NotSent */
async function read(bytes: MessageBytes): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  try {
    for await (const piece of bytes) pieces.push(piece)
  } catch (cause) {
    if (cause instanceof NotSent) throw cause
    throw new NotSent('The message could not be read.', { isTemporary: true, code: 'unreadable', cause })
  }
  const message = Buffer.concat(pieces)
  const text = message.toString('latin1')
  if (text.endsWith('\r\n') && !/(^|[^\r])\n|\r(?!\n)/.test(text)) return message
  throw new NotSent('The message is not a sequence of lines.', { isTemporary: false, code: 'bad_message' })
}
