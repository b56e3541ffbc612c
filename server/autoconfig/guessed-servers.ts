/** Guesses common names of mail servers within a domain, and probes them without logging in; implicit TLS first. */
import type { DiscoveredServer } from '../../contract/autoconfig.ts'
import type { DiscoveryTimes } from './discovery-times.ts'
import { type Outcome, outcomeOf, PlaceFault } from './outcome.ts'
import type { LookedAt } from './server-probe.ts'
import type { SoughtAddress } from './sought-address.ts'

/** Returns the login methods that the server announces. @throws PlaceFault, or the error of the guard. */
export type LookAtServer = (server: LookedAt, signal: AbortSignal) => Promise<DiscoveredServer['auth']>

export interface GuessTools {
  look: LookAtServer
  times: Pick<DiscoveryTimes, 'lookMs'>
}

type Kind = LookedAt['kind']

const ports: Record<LookedAt['tls'], Record<Kind, number>> = {
  implicit: { imap: 993, smtp: 465 },
  starttls: { imap: 143, smtp: 587 },
}
/** How long a more common name is waited for, in ms, once another responds. */
const graceMs = 500
const mostFaults = 3

export async function guessServers(address: SoughtAddress, tools: GuessTools, signal: AbortSignal): Promise<Outcome> {
  const faults: string[] = []
  const [imap, smtp] = await Promise.all([
    findServer('imap', address, tools, faults, signal),
    findServer('smtp', address, tools, faults, signal),
  ])
  signal.throwIfAborted()
  if (!imap) {
    const told = [...new Set(faults)].slice(0, mostFaults)
    if (told.length > 0) return { state: 'failed', words: told.join(' ') }
    return { state: 'nothing', words: 'No server responds under a usual name.' }
  }
  const outcome = outcomeOf({ settings: { imap, smtp: smtp ?? null, oauthIssuer: null }, refused: [] })
  const names = smtp
    ? `${imap.host}:${imap.port} and ${smtp.host}:${smtp.port} respond`
    : `${imap.host}:${imap.port} responds`
  return { ...outcome, words: `${names}.` }
}

async function findServer(
  kind: Kind,
  { email, domain }: SoughtAddress,
  { look, times }: GuessTools,
  faults: string[],
  signal: AbortSignal,
): Promise<DiscoveredServer | undefined> {
  const hosts = [`${kind}.${domain}`, `mail.${domain}`, domain]
  for (const tls of ['implicit', 'starttls'] as const) {
    const over = new AbortController()
    const bounded = AbortSignal.any([signal, over.signal, AbortSignal.timeout(times.lookMs)])
    const port = ports[tls][kind]
    const attempts = hosts.map(async (host): Promise<DiscoveredServer | undefined> => {
      try {
        return { host, port, tls, user: email, auth: await look({ kind, host, port, tls }, bounded) }
      } catch (error) {
        if (over.signal.aborted || bounded.aborted) return undefined
        if (!(error instanceof Error)) throw error
        // Most guessed names do not exist.
        const isUsual = error instanceof PlaceFault && error.state === 'nothing'
        if (!isUsual) faults.push(`${host}:${port}: ${error.message}`)
        return undefined
      }
    })
    const found = await firstInOrder(attempts)
    over.abort()
    await Promise.all(attempts)
    if (found) return found
    if (signal.aborted) return undefined
  }
  return undefined
}

/** Returns the first match in order; those before it are waited for only a while. */
async function firstInOrder<Value>(attempts: readonly Promise<Value | undefined>[]): Promise<Value | undefined> {
  const found: (Value | undefined)[] = []
  const all = Promise.all(
    attempts.map(async (attempt, index) => {
      found[index] = await attempt
    }),
  )
  const any = Promise.any(attempts.map(async attempt => (await attempt) ?? Promise.reject(new Error('nothing'))))
  const { promise: graceOver, resolve } = Promise.withResolvers<void>()
  let timer: NodeJS.Timeout | undefined
  void any.then(
    () => {
      timer = setTimeout(resolve, graceMs)
    },
    () => undefined,
  )
  await Promise.race([all, graceOver])
  clearTimeout(timer)
  return found.find(value => value !== undefined)
}
