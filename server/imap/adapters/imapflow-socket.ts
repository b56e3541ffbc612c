/**
 * Opens ImapFlow's sockets: verifies certificates, detects peers that are no IMAP servers, and bounds the input before
 * ImapFlow parses it.
 */
import { connect, isIP, type LookupFunction, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { ImapTransport, ImapTransportConnectOptions, ImapTransportOptions, ImapTransportSocket } from 'imapflow'
import { isLoopback } from '../../accounts/account-verifier.ts'
import { certificateOf } from '../../accounts/certificate-ends.ts'
import { type Address, answerWith } from '../../platform/network/outbound-guard.ts'
import type { AnswerBudget } from './imapflow-budget.ts'
import { type IncomingTurns, LimitedSocket, type SocketListeners } from './imapflow-duplex.ts'

/** The phase that a connection has reached. */
export type Phase = 'connecting' | 'tls' | 'greeting' | 'session'

export class NotImapError extends Error {
  /** The first bytes that the peer sent. */
  readonly greeting: string

  constructor(greeting: string) {
    super('the peer sent no IMAP greeting')
    this.greeting = greeting
  }
}

/** Errors of a certificate from an unknown issuer, which is accepted on loopback only. */
const unknownIssuer = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/** The transport of one connection. */
export class ImapSocket implements ImapTransport {
  readonly #lookup: { lookup?: LookupFunction }
  readonly #turns: IncomingTurns
  readonly #budget: AnswerBudget
  readonly #listeners: SocketListeners
  #phase: Phase = 'connecting'

  /**
   * @param turns Shared by all connections.
   * @param addresses Resolved addresses of the host, if already known.
   */
  constructor(
    turns: IncomingTurns,
    budget: AnswerBudget,
    addresses?: readonly Address[],
    listeners: SocketListeners = {},
  ) {
    this.#listeners = listeners
    this.#turns = turns
    this.#budget = budget
    this.#lookup = addresses ? { lookup: answerWith(addresses) } : {}
  }

  get phase(): Phase {
    return this.#phase
  }

  /** Called after the login: the server may send more now. */
  welcome(): void {
    this.#budget.welcome()
  }

  connect({ secure, ...options }: ImapTransportConnectOptions, onConnect: () => void): ImapTransportSocket {
    const onGreeting = () => {
      limited.start()
      onConnect()
    }
    const socket = secure
      ? this.#secure(options, undefined, () => this.#expectGreeting(socket, onGreeting))
      : connect({ host: options.host, port: options.port, ...this.#lookup })
    if (!secure) socket.once('connect', () => this.#expectGreeting(socket, onGreeting))
    const limited = new LimitedSocket(socket, this.#budget, this.#turns, this.#listeners)
    return limited
  }

  /** Only ever called with a socket that `connect` returned. */
  upgrade(plain: ImapTransportSocket, options: ImapTransportOptions, onSecure: () => void): ImapTransportSocket {
    const { socket, hasMore } = (plain as LimitedSocket).detach()
    // Data before TLS could be injected by a man in the middle.
    if (hasMore) throw Object.assign(new Error('data before TLS'), { code: 'STARTTLS_INJECTION' })
    this.#phase = 'tls'
    const limited: LimitedSocket = new LimitedSocket(
      this.#secure(options, socket, () => {
        this.#phase = 'session'
        limited.start()
        onSecure()
      }),
      this.#budget,
      this.#turns,
      this.#listeners,
    )
    return limited
  }

  #secure(options: ImapTransportOptions, plain: Socket | undefined, onSecure: () => void): TLSSocket {
    const { host, port } = options
    const name = isIP(host) === 0 ? { servername: host } : {}
    const isLocal = isLoopback(host)
    const from = plain ? { socket: plain } : {}
    const socket = connectTls({ host, port, ...name, ...from, ...this.#lookup, rejectUnauthorized: !isLocal })
    socket.once('connect', () => {
      this.#phase = 'tls'
    })
    return socket.once('secureConnect', () => {
      // Node sets an error code here, though its types say Error.
      const fault = String(socket.authorizationError ?? '')
      if (fault && !unknownIssuer.has(fault)) {
        socket.destroy(Object.assign(new Error(`the certificate is not valid: ${fault}`), { code: fault }))
        return
      }
      this.#listeners.onCertificate?.(certificateOf(socket))
      onSecure()
    })
  }

  /** Peeks at the first bytes: an IMAP greeting begins with `* ` (RFC 9051, section 7.1). */
  #expectGreeting(socket: Socket, onGreeting: () => void): void {
    this.#phase = 'greeting'
    const ended = () => {
      socket.destroy(Object.assign(new Error('the peer closed without a greeting'), { code: 'ECONNRESET' }))
    }
    const look = () => {
      const head: Buffer | null = socket.read()
      if (head === null) return
      socket.off('readable', look).off('end', ended)
      if (!'* '.startsWith(head.toString('latin1', 0, 2))) {
        socket.destroy(new NotImapError(head.toString('latin1', 0, 200)))
        return
      }
      socket.unshift(head)
      this.#phase = 'session'
      onGreeting()
    }
    socket.on('readable', look).once('end', ended)
  }
}

/** Connects, waits for the greeting of a mail server, and disconnects. */
export async function greetingOf(
  transport: ImapSocket,
  options: ImapTransportConnectOptions,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket = transport.connect(options, resolve)
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  socket.on('error', reject).on('close', () => reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' })))
  try {
    signal.throwIfAborted()
    await promise
  } finally {
    signal.removeEventListener('abort', abort)
    socket.destroy()
  }
}
