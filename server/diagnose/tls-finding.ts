/** Describes the TLS of a mail server, and what is wrong with its certificate. */
import { checkServerIdentity, type DetailedPeerCertificate, type TLSSocket } from 'node:tls'
import { isLoopback } from '../accounts/account-verifier.ts'
import { type Finding, TooLate, wordsOf } from './check.ts'
import type { Part } from './reach-server.ts'

const dayMs = 86_400_000
/** Days before its end from which on a certificate is a warning. */
const soonDays = 14
const mostOfChain = 6

export interface SeenTls {
  finding: Finding
  /** The start of a certificate that is not valid yet, since our clock may be wrong. */
  notBefore: Date | undefined
}

interface Issue {
  words: string
  advice: string
  /** True if the issue is accepted for a mail server on this machine itself. */
  isLocalMatter: boolean
}

export function tlsFinding(socket: TLSSocket, part: Part, host: string, now: number): SeenTls {
  const certificate = socket.getPeerCertificate(true)
  const chain = chainOf(certificate)
  if (chain.length === 0) {
    const words = 'The server showed no certificate.'
    return {
      finding: { state: 'failed', words, advice: ['Choose another port or kind of TLS.'] },
      notBefore: undefined,
    }
  }
  const issues = issuesOf(socket, chain, host, now)
  const isLocal = isLoopback(host)
  const bad = issues.filter(({ isLocalMatter }) => !(isLocal && (isLocalMatter || part === 'smtp')))
  const days = Math.floor((Date.parse(certificate.valid_to) - now) / dayMs)
  const details = detailsOf(socket, chain, host, days)
  const notBefore = Date.parse(certificate.valid_from) > now ? new Date(certificate.valid_from) : undefined
  if (bad.length > 0) {
    const words = `${bad.map(issue => issue.words).join(' ')} No password is sent.`
    return { finding: { state: 'failed', words, details, advice: bad.map(({ advice }) => advice) }, notBefore }
  }
  if (issues.length > 0) {
    const words = `${issues.map(issue => issue.words).join(' ')} This is accepted, since the server is on this machine.`
    return { finding: { state: 'ok', words, details }, notBefore }
  }
  if (days < soonDays) {
    const words = `The certificate is valid, and expires in ${dayWords(days)}.`
    const advice = ['The operator of the mail server has to renew its certificate soon.']
    return { finding: { state: 'warning', words, details, advice }, notBefore }
  }
  const words = `The certificate is valid for ${host}, for ${dayWords(days)} more.`
  return { finding: { state: 'ok', words, details }, notBefore }
}

/** Explains why the handshake failed. */
export function noTls(error: unknown, part: Part, port: number): Finding {
  const { code = '' } = error as NodeJS.ErrnoException
  const implicit = part === 'imap' ? 993 : 465
  if (error instanceof TooLate) {
    const words = 'The TLS handshake did not end in time.'
    return { state: 'failed', words, advice: ['Check the port: the server may expect STARTTLS, or no TLS at all.'] }
  }
  if (
    /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|RECORD_LAYER/.test(code) ||
    /wrong version number/i.test(wordsOf(error))
  ) {
    const words = `The server does not use TLS from the first byte on port ${port}.`
    return { state: 'failed', words, advice: [`Choose STARTTLS for this port, or port ${implicit} for implicit TLS.`] }
  }
  if (
    /UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|ALERT_PROTOCOL/.test(
      `${code} ${wordsOf(error)}`.toUpperCase().replaceAll(' ', '_'),
    )
  ) {
    const words = 'The server offers only TLS older than version 1.2, which is not safe.'
    return { state: 'failed', words, advice: ['The operator of the mail server has to enable TLS 1.2 or 1.3.'] }
  }
  const words = `The TLS handshake failed: ${wordsOf(error)}`
  return { state: 'failed', words, advice: ['Check the port and the kind of TLS.'] }
}

function issuesOf(socket: TLSSocket, chain: readonly DetailedPeerCertificate[], host: string, now: number): Issue[] {
  const [own] = chain
  if (!own) return []
  // Node sets the code of the fault here, though its types say Error.
  const fault = String(socket.authorizationError ?? '')
  const issues: Issue[] = []
  const ended = now - Date.parse(own.valid_to)
  const lacking = Date.parse(own.valid_from) - now
  if (ended > 0) {
    const words = `The certificate expired ${dayWords(Math.floor(ended / dayMs))} ago.`
    const advice = 'The operator of the mail server has to renew its certificate. Check the date of this machine too.'
    issues.push({ words, advice, isLocalMatter: false })
  }
  if (lacking > 0) {
    const words = `The certificate is not valid yet: it begins in ${dayWords(Math.ceil(lacking / dayMs))}.`
    issues.push({ words, advice: 'Check the clock of this machine: it seems to be slow.', isLocalMatter: false })
  }
  const mismatch = checkServerIdentity(host, own)
  if (mismatch) {
    const names = namesOf(own)
    const words = `The certificate is not for ${host}, but for ${names.join(', ') || 'no name at all'}.`
    const advice =
      names.length > 0
        ? `Use the name that the certificate has, such as ${names[0]}, if that is your provider’s server.`
        : 'Ask the operator of the mail server for the right name.'
    issues.push({ words, advice, isLocalMatter: true })
  }
  const issuer = issuerIssue(fault, chain)
  if (issuer) issues.push(issuer)
  if (issues.length === 0 && fault !== '') {
    issues.push({
      words: `The certificate is not valid (${fault}).`,
      advice: 'Ask the operator of the mail server.',
      isLocalMatter: false,
    })
  }
  return issues
}

function issuerIssue(fault: string, chain: readonly DetailedPeerCertificate[]): Issue | undefined {
  const [own] = chain
  const isSelfSigned = own !== undefined && own.fingerprint256 === own.issuerCertificate?.fingerprint256
  const another =
    'Use a server with a certificate of a public authority, or add the authority to those that this machine trusts (NODE_EXTRA_CA_CERTS).'
  if (fault === 'DEPTH_ZERO_SELF_SIGNED_CERT' || (isSelfSigned && fault !== '')) {
    return { words: 'The certificate is self-signed: nobody vouches for it.', advice: another, isLocalMatter: true }
  }
  if (fault === 'SELF_SIGNED_CERT_IN_CHAIN') {
    const words = `The certificate was issued by ${nameOf(chain.at(-1)?.subject)}, which is not a known authority.`
    return { words, advice: another, isLocalMatter: true }
  }
  if (/^UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT)/.test(fault)) {
    const words = `The chain is incomplete: the certificate of the issuer, ${nameOf(chain.at(-1)?.issuer)}, was not sent and is not known here.`
    const advice = 'The operator of the mail server has to send the whole chain of certificates.'
    return { words, advice, isLocalMatter: true }
  }
  return undefined
}

function detailsOf(socket: TLSSocket, chain: readonly DetailedPeerCertificate[], host: string, days: number) {
  const [own] = chain
  const { name, standardName } = socket.getCipher()
  const details: [string, string][] = [
    ['Protocol', socket.getProtocol() ?? 'unknown'],
    ['Cipher', standardName ?? name],
    [
      'Name asked for (SNI)',
      typeof socket.servername === 'string' && socket.servername !== ''
        ? socket.servername
        : `none, since ${host} is an address`,
    ],
    ['Names of the certificate', namesOf(own).join(', ') || 'none'],
    ['Valid', `${iso(own?.valid_from)} to ${iso(own?.valid_to)}`],
    ['Days left', String(days)],
  ]
  for (const [index, { subject, issuer }] of chain.entries()) {
    details.push([`Certificate ${index + 1}`, `${nameOf(subject)}, issued by ${nameOf(issuer)}`])
  }
  return details
}

function chainOf(certificate: DetailedPeerCertificate | undefined): DetailedPeerCertificate[] {
  const chain: DetailedPeerCertificate[] = []
  let next: DetailedPeerCertificate | undefined = certificate
  while (next?.fingerprint256 && chain.length < mostOfChain) {
    if (chain.some(({ fingerprint256 }) => fingerprint256 === next?.fingerprint256)) break
    chain.push(next)
    next = next.issuerCertificate
  }
  return chain
}

function namesOf(certificate: DetailedPeerCertificate | undefined): string[] {
  const alternative = certificate?.subjectaltname?.split(', ').map(name => name.replace(/^(DNS|IP Address):/, ''))
  return (alternative ?? [nameOf(certificate?.subject)]).filter(name => name !== '').slice(0, 10)
}

function nameOf(subject: { CN?: string | string[]; O?: string | string[] } | undefined): string {
  return String(subject?.CN ?? subject?.O ?? 'a nameless one')
}

function iso(text: string | undefined): string {
  const time = Date.parse(text ?? '')
  return Number.isNaN(time) ? 'unknown' : new Date(time).toISOString().slice(0, 10)
}

function dayWords(days: number): string {
  if (days === 0) return 'less than a day'
  return days === 1 ? '1 day' : `${days} days`
}
