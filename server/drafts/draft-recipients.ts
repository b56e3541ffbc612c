/**
 * Validates recipients as callers write them, so that none can end a header field or begin another address. Faults are
 * reported by the path of their field.
 */
import { lowerAscii } from '../../contract/ascii-case.ts'
import type { RecipientInput } from '../../contract/draft.ts'
import { draftBounds } from '../../contract/draft.ts'
import { type Address, mailBounds } from '../../contract/mail.ts'
import { asciiAddress } from '../mail/ascii-address.ts'
import { type InputFault, type InputPath, Problem } from '../platform/problem.ts'
import { headerName } from './header-forms.ts'

export interface RecipientLists {
  to: Address[]
  cc: Address[]
  bcc: Address[]
}

const named = /^([^<>]*)<([^<>]*)>$/
/** Bytes of a local part (RFC 5321, section 4.5.3.1.1). */
const maxLocal = 64

/** @throws Problem that names every fault. */
export function readRecipients(list: readonly RecipientInput[], path: InputPath): Address[] {
  const faults: InputFault[] = []
  const seen = new Set<string>()
  const found = list.flatMap((input, index) => {
    const address = readRecipient(input)
    if (typeof address === 'string') {
      faults.push({ path: `${path}.${index}` as InputPath, message: address })
      return []
    }
    const key = keyOf(address.email)
    if (seen.has(key)) return []
    seen.add(key)
    return [address]
  })
  if (faults.length > 0) throw badRecipients(faults)
  return found
}

/** @throws Problem for too many recipients in all lists together. */
export function checkCount({ to, cc, bcc }: RecipientLists): void {
  const count = to.length + cc.length + bcc.length
  if (count <= draftBounds.recipients) return
  const message = `${count} recipients together with cc and bcc; at most ${draftBounds.recipients} are allowed`
  throw badRecipients([{ path: 'body.to', message }])
}

/** Returns the address for the SMTP envelope: the domain in ASCII, the local part as it is. */
export function envelopeAddress(email: string): string {
  return asciiAddress(email) ?? email
}

/**
 * Returns a key that is equal for addresses of the same mailbox, as far as can be known: hardly any server
 * distinguishes case of ASCII letters. Others are kept, since the lower case of `K` (the Kelvin sign) is `k`.
 */
export function keyOf(email: string): string {
  return lowerAscii(envelopeAddress(email))
}

/** @returns The address, or as a string what is wrong with it. */
function readRecipient(input: RecipientInput): Address | string {
  const { email, name } = typeof input === 'string' ? partsOf(input) : { email: input.email, name: input.name ?? null }
  const address = email.trim()
  if (/[:;]/.test(address)) return 'names a group or several addresses; write one address in each item'
  if (/["()\\]/.test(address)) return 'has quotes or a comment in the address; write the plain address'
  if (asciiAddress(address) === undefined || !isDotAtom(address)) return 'is not an email address'
  const words = headerName(name ?? '')
    .slice(0, mailBounds.name)
    .toWellFormed()
  return { email: address, name: words === '' ? null : words }
}

function partsOf(text: string): { email: string; name: string | null } {
  const [, name, email] = named.exec(text.trim()) ?? []
  if (email === undefined) return { email: text, name: null }
  const bare = (name ?? '').trim()
  const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(bare)?.[1]
  return { email, name: quoted === undefined ? bare : quoted.replaceAll(/\\(.)/g, '$1') }
}

/** Whether the local part is valid without quotes (RFC 5321, section 4.1.2). */
function isDotAtom(email: string): boolean {
  const local = email.slice(0, email.lastIndexOf('@'))
  return Buffer.byteLength(local) <= maxLocal && !local.startsWith('.') && !local.endsWith('.') && !local.includes('..')
}

function badRecipients(errors: InputFault[]): Problem {
  const detail = errors.map(({ path, message }) => `${path}: ${message}`).join('; ')
  return new Problem('bad_request', detail.slice(0, 1_000), { errors: errors.slice(0, 50) })
}
