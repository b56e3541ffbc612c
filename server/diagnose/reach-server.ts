/** Resolves a mail server, and checks for each of its addresses whether the port opens. */
import type { Address, OutboundGuard } from '../platform/network/outbound-guard.ts'
import { Problem } from '../platform/problem.ts'
import { type Check, type Finding, TooLate, timed, toCheck, within, wordsOf } from './check.ts'
import { type Place, Wire } from './wire.ts'

export type Part = 'imap' | 'smtp'
export type Guard = Pick<OutboundGuard, 'check' | 'look'>

export interface Reached {
  checks: Check[]
  /** The preferred one of the addresses that opened. */
  address: Address | undefined
}

/** Addresses of a name that are tried; further ones are only listed. */
const mostTried = 8

const portCodes: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused: nothing listens on this port',
  EHOSTUNREACH: 'unreachable: there is no route to this address',
  ENETUNREACH: 'unreachable: there is no route to this network',
  EADDRNOTAVAIL: 'unreachable: this machine has no address of this kind',
  EHOSTDOWN: 'unreachable: the machine is down',
  EACCES: 'blocked by this machine',
  EPERM: 'blocked by this machine',
  ECONNRESET: 'closed at once',
}

export async function reachServer(
  part: Part,
  place: Place,
  { guard, stepMs }: { guard: Guard; stepMs: number },
  signal: AbortSignal,
): Promise<Reached> {
  let addresses: Address[] = []
  const dns = await timed(part, 'dns', async () => {
    try {
      addresses = await within(stepMs, signal, guard.check(place.host, place.port))
      return addresses.length === 0 ? noName(place.host) : found(place.host, addresses)
    } catch (error) {
      return notFound(place, guard, error, stepMs, signal)
    }
  })
  if (dns.state === 'failed') return { checks: [dns], address: undefined }
  const tried = addresses.slice(0, mostTried)
  const began = performance.now()
  const results = await Promise.all(tried.map(address => tryPort(place, address, stepMs, signal)))
  const port = toCheck(part, 'port', portFinding(part, place, results), performance.now() - began)
  return { checks: [dns, port], address: results.find(({ fault }) => fault === undefined)?.address }
}

function found(host: string, addresses: readonly Address[]): Finding {
  const [ipv4, ipv6] = [4, 6].map(family => addresses.filter(each => each.family === family).length)
  const counts = [ipv4 && `${ipv4} IPv4`, ipv6 && `${ipv6} IPv6`].filter(Boolean).join(' and ')
  const isNumber = addresses.length === 1 && addresses[0]!.address === host.toLowerCase()
  const words = isNumber
    ? `${host} is an address; no name has to be resolved.`
    : `${host} has ${counts} ${addresses.length === 1 ? 'address' : 'addresses'}.`
  const details = addresses.map(({ address, family }) => [family === 4 ? 'A' : 'AAAA', `${address}, allowed`] as const)
  return { state: 'ok', words, details }
}

async function notFound(
  { host, port }: Place,
  guard: Guard,
  error: unknown,
  stepMs: number,
  signal: AbortSignal,
): Promise<Finding> {
  if (error instanceof TooLate) {
    const words = `The name server did not answer in time when it was asked for ${host}.`
    return { state: 'failed', words, advice: ["Check this machine's name server (DNS): other names may fail too."] }
  }
  if (!(error instanceof Problem)) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'EAI_AGAIN' || code === 'ESERVFAIL' || code === 'ETIMEOUT') {
      const words = `The name server could not say where ${host} is (${code}).`
      return { state: 'failed', words, advice: ["Check this machine's name server (DNS), then try again."] }
    }
    return noName(host)
  }
  const judged = await within(stepMs, signal, guard.look(host, port)).catch(() => [])
  const verdicts = { allowed: 'allowed', private: 'on a private network, not allowed', forbidden: 'never connected to' }
  return {
    state: 'failed',
    words: error.message,
    details: judged.map(
      ({ address, family, verdict }) => [family === 4 ? 'A' : 'AAAA', `${address}, ${verdicts[verdict]}`] as const,
    ),
    advice:
      error.extension.fault === 'private_network'
        ? ['Allow this private network under Configuration, if this is your own mail server.']
        : [`Enter the name of the provider’s server: ${host} leads to an address that is never used for mail.`],
  }
}

function noName(host: string): Finding {
  return {
    state: 'failed',
    words: `There is no server named ${host}.`,
    advice: [`Check the spelling of ${host}, or look up the server’s name in your provider’s help pages.`],
  }
}

interface PortResult {
  address: Address
  ms: number
  /** Why it did not open. */
  fault: string | undefined
}

async function tryPort(place: Place, address: Address, stepMs: number, signal: AbortSignal): Promise<PortResult> {
  const began = performance.now()
  const fault = await Wire.open(place, address, stepMs, signal).then(
    wire => void wire.close(),
    (error: NodeJS.ErrnoException) =>
      error instanceof TooLate ? 'timeout: no answer' : (portCodes[error.code ?? ''] ?? wordsOf(error)),
  )
  return { address, ms: Math.round(performance.now() - began), fault }
}

function portFinding(part: Part, { host, port }: Place, results: readonly PortResult[]): Finding {
  const details = results.map(({ address, ms, fault }) => [address.address, fault ?? `open after ${ms} ms`] as const)
  const failed = results.filter(({ fault }) => fault !== undefined)
  if (failed.length === 0) return { state: 'ok', words: `Port ${port} is open.`, details }
  if (failed.length < results.length) {
    const words = `Port ${port} is open on ${results.length - failed.length} of ${results.length} addresses of ${host}.`
    return { state: 'warning', words, details, advice: ['Nothing to do now: RustyMail uses the address that answers.'] }
  }
  const isSilent = failed.every(({ fault }) => fault?.startsWith('timeout'))
  const words = isSilent
    ? `Nothing answers at ${host}:${port} within the time allowed.`
    : `Nothing answers at ${host}:${port}: ${failed[0]!.fault}.`
  const usual = part === 'imap' ? '993 (implicit TLS) or 143 (STARTTLS)' : '465 (implicit TLS) or 587 (STARTTLS)'
  const advice = [
    `Check host and port; usual ports are ${usual}.`,
    isSilent
      ? 'Ask whether a firewall, or the provider of this machine, blocks this port.'
      : 'Check that the mail server runs.',
  ]
  return { state: 'failed', words, details, advice }
}
