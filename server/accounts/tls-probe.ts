/** Whether a server that says nothing waits for TLS: the most usual mistake is to speak plainly to its TLS port. */
import { isIP, type LookupFunction } from 'node:net'
import { connect } from 'node:tls'
import { type Address, answerWith } from '../platform/network/outbound-guard.ts'

export interface TlsProbeOptions {
  host: string
  port: number
  /** Where the host is, if that was found out already. */
  addresses?: readonly Address[] | undefined
  /** Ends it, with no. */
  signal: AbortSignal
}

/** The longest that a server may be silent before it is asked; sooner where less time is given. */
const silentMs = 3_000

/** How long to wait for a greeting before a server is asked whether it wants TLS. */
export function probeAfter(timeoutMs: number): number {
  return Math.min(silentMs, timeoutMs / 2)
}

/** On a connection of its own, on which nothing is said but the handshake; whose certificate it is does not matter. */
export async function speaksTls({ host, port, addresses, signal }: TlsProbeOptions): Promise<boolean> {
  if (signal.aborted) return false
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const name = isIP(host) === 0 ? { servername: host } : {}
  const lookup: { lookup?: LookupFunction } = addresses ? { lookup: answerWith(addresses) } : {}
  const socket = connect({ host, port, ...name, ...lookup, rejectUnauthorized: false })
  const end = () => resolve(false)
  signal.addEventListener('abort', end, { once: true })
  socket.once('secureConnect', () => resolve(true)).once('close', end)
  socket.on('error', end)
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', end)
    socket.destroy()
  }
}
