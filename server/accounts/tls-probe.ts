/** Probes whether a silent server waits for TLS: the most common mistake is to speak plaintext to its TLS port. */
import { isIP, type LookupFunction } from 'node:net'
import { connect } from 'node:tls'
import { type Address, answerWith } from '../platform/network/outbound-guard.ts'

export interface TlsProbeOptions {
  host: string
  port: number
  /** The resolved addresses of the host, if known. */
  addresses?: readonly Address[] | undefined
  /** Aborts the probe, which then resolves to false. */
  signal: AbortSignal
}

/** The longest silence, in ms, before a server is probed; shorter if the timeout is short. */
const silentMs = 3_000

/** Returns how long to wait for a greeting before probing for TLS, in ms. */
export function probeAfter(timeoutMs: number): number {
  return Math.min(silentMs, timeoutMs / 2)
}

/** Tries a TLS handshake on a connection of its own; any certificate counts. */
export async function supportsTls({ host, port, addresses, signal }: TlsProbeOptions): Promise<boolean> {
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
