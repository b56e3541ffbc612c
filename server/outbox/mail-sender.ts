/**
 * PORT: hands one message to the mail server of an account. It never retries, and reports what is certain for each
 * recipient.
 */
import type { LoginSource } from '../accounts/mail-login.ts'
import type { Envelope } from '../drafts/composed-message.ts'

/** The bytes of a message, in order; read once. */
export type MessageBytes = AsyncIterable<Uint8Array>

export interface SendOutcome {
  /** The server's response to the message itself: `250 2.0.0 Ok: queued as …`. */
  response: string
  accepted: readonly string[]
  /** Recipients that the server refused, with its response; the others got the message. `isTemporary`: a 4yz reply. */
  refused: readonly { email: string; response: string; isTemporary: boolean }[]
}

/**
 * The message was certainly not delivered to anyone: the connection failed, or the server refused before it had the
 * whole message.
 */
export class NotSent extends Error {
  /** Whether a retry may succeed: after a 4yz reply, or when the server was unreachable. */
  readonly isTemporary: boolean
  readonly code: string
  readonly serverResponse: string | null
  readonly refused: SendOutcome['refused']
  /** Whether every message of the account is affected, since its server is down or refuses the login. */
  readonly concernsAccount: boolean

  constructor(
    message: string,
    {
      isTemporary,
      code,
      serverResponse = null,
      refused = [],
      concernsAccount = false,
      cause,
    }: {
      isTemporary: boolean
      code: string
      serverResponse?: string | null
      refused?: SendOutcome['refused']
      concernsAccount?: boolean
      cause?: unknown
    },
  ) {
    super(message, { cause })
    this.name = 'NotSent'
    this.isTemporary = isTemporary
    this.code = code
    this.serverResponse = serverResponse
    this.refused = refused
    this.concernsAccount = concernsAccount
  }
}

/**
 * The message was handed over whole and the response was lost. It may or may not be delivered, so nothing may resend it
 * automatically.
 */
export class UnknownDelivery extends Error {
  constructor(cause: unknown) {
    super('the connection was lost before the mail server confirmed the message', { cause })
    this.name = 'UnknownDelivery'
  }
}

/** Parameters of a message that the server is given before its bytes. */
export interface MessageFigures {
  sizeBytes: number
  /** ENVID (RFC 3461): the id by which the mail server names the message in its reports. */
  envelopeId: string
}

/** One account's connections to its SMTP server. */
export interface MailSender {
  /**
   * @param bytes The exact bytes to send, without dot-stuffing; read only once the mail server is ready for them. If
   * reading them fails, the message is never completed; a `NotSent` that they throw is rethrown. @throws NotSent,
   * UnknownDelivery
   */
  send(envelope: Envelope, bytes: MessageBytes, figures: MessageFigures, signal: AbortSignal): Promise<SendOutcome>
  /** Closes its connections; messages in flight end as `UnknownDelivery` or `NotSent`. */
  close(): Promise<void>
}

export interface MailSenders {
  /**
   * @param login Returns the SMTP login; called for each login. @param connections Upper bound for concurrent
   * connections.
   */
  open(accountId: string, login: LoginSource, connections: number): MailSender
}
