/** PORT: hands one message over to the mail server of an account. It never tries twice, and says what is certain of each recipient. */
import type { LoginSource } from '../accounts/mail-login.ts'
import type { Envelope } from '../drafts/composed-message.ts'

/** Bytes in order; read once. */
export type MessageBytes = AsyncIterable<Uint8Array>

export interface SendOutcome {
  /** As the server answered the message itself: `250 2.0.0 Ok: queued as …`. */
  response: string
  accepted: readonly string[]
  /** Recipients that the server refused, with its words; the others got the message. `isTemporary`: a 4yz reply. */
  refused: readonly { email: string; response: string; isTemporary: boolean }[]
}

/** Nobody got the message, and that is certain: the connection was not made, or the server refused before it had the message whole. */
export class NotSent extends Error {
  /** Whether the same may work later: a 4yz reply, or a server that cannot be reached. */
  readonly isTemporary: boolean
  readonly code: string
  readonly serverResponse: string | null
  readonly refused: SendOutcome['refused']
  /** Not this message, but every message of the account: its server is away, or refuses the login. */
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

/** The message was handed over whole, and the response was lost. It may or may not be delivered: nothing may send it again by itself. */
export class UnknownDelivery extends Error {
  constructor(cause: unknown) {
    super('the connection was lost before the mail server confirmed the message', { cause })
    this.name = 'UnknownDelivery'
  }
}

/** What is said of a message before it is sent. */
export interface MessageFigures {
  sizeBytes: number
  /** By which the mail server names it in reports (ENVID, RFC 3461). */
  envelopeId: string
}

/** One account's connections to its SMTP server. */
export interface MailSender {
  /**
   * @param bytes As they are to arrive, without dot-stuffing; exactly these are sent. When reading them fails, the message is never
   * completed: what they throw is thrown if it is a `NotSent`. They are first asked for when the mail server waits for them.
   * @throws NotSent, UnknownDelivery
   */
  send(envelope: Envelope, bytes: MessageBytes, figures: MessageFigures, signal: AbortSignal): Promise<SendOutcome>
  /** Ends its connections; what is being sent ends as `UnknownDelivery` or `NotSent`. */
  close(): Promise<void>
}

export interface MailSenders {
  /** @param login Of the SMTP server, asked for at each login. @param connections At most so many at a time. */
  open(accountId: string, login: LoginSource, connections: number): MailSender
}
