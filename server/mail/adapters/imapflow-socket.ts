/** Opens ImapFlow's sockets: certificates are verified, and a peer that does not greet as IMAP is named as such. */
import { connect, isIP, type LookupFunction, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { ImapTransport, ImapTransportConnectOptions, ImapTransportOptions, ImapTransportSocket } from 'imapflow'
import { isLoopback } from '../../accounts/account-verifier.ts'
import { type Address, answerWith } from '../../platform/outbound-guard.ts'

/** How far a connection came. */
export type Phase = 'connecting' | 'tls' | 'greeting' | 'session'

export class NotImapError extends Error {
  /** What the peer said first. */
  readonly greeting: string

  constructor(greeting: string) {
    super('the peer does not greet as an IMAP server')
    this.greeting = greeting
  }
}

/** Faults of a certificate whose issuer nobody vouches for; taken from this machine itself, and from nowhere else. */
const unknownIssuer = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/** For one connection. */
export class ImapSocket implements ImapTransport {
  readonly #lookup: { lookup?: LookupFunction }
  #phase: Phase = 'connecting'

  /** @param addresses Where the host is, if that was found out already. */
  constructor(addresses?: readonly Address[]) {
    this.#lookup = addresses ? { lookup: answerWith(addresses) } : {}
  }

  get phase(): Phase {
    return this.#phase
  }

  connect({ secure, ...options }: ImapTransportConnectOptions, onConnect: () => void): ImapTransportSocket {
    if (secure) {
      return this.#secure(options, undefined, socket => this.#expectGreeting(socket, onConnect))
    }
    const socket = connect({ host: options.host, port: options.port, ...this.#lookup })
    return socket.once('connect', () => this.#expectGreeting(socket, onConnect))
  }

  /** Only ever called with the socket that `connect` gave. */
  upgrade(plain: ImapTransportSocket, options: ImapTransportOptions, onSecure: () => void): ImapTransportSocket {
    this.#phase = 'tls'
    return this.#secure(options, plain as Socket, () => {
      this.#phase = 'session'
      onSecure()
    })
  }

  #secure(options: ImapTransportOptions, plain: Socket | undefined, onSecure: (socket: TLSSocket) => void): TLSSocket {
    const { host, port } = options
    const name = isIP(host) === 0 ? { servername: host } : {}
    const isLocal = isLoopback(host)
    const from = plain ? { socket: plain } : {}
    const socket = connectTls({ host, port, ...name, ...from, ...this.#lookup, rejectUnauthorized: !isLocal })
    socket.once('connect', () => {
      this.#phase = 'tls'
    })
    return socket.once('secureConnect', () => {
      // Node gives the code of the fault here, though its types say Error.
      const fault = String(socket.authorizationError ?? '')
      if (fault && !unknownIssuer.has(fault)) {
        socket.destroy(Object.assign(new Error(`the certificate is not valid: ${fault}`), { code: fault }))
        return
      }
      onSecure(socket)
    })
  }

  /** Reads the first bytes and puts them back: IMAP greets with `* ` (RFC 9051, section 7.1). */
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
