/**
 * Normalises addresses, so that rules compare mailboxes and not spellings. An address without a normal form matches no
 * rule.
 */
import { lowerAscii } from '../../contract/ascii-case.ts'
import { asciiName } from '../platform/network/ascii-name.ts'

/** Bytes of an address (RFC 5321, section 4.5.3.1.3, without the brackets). */
const maxAddress = 254
const atoms = /^[^\s"(),.:;<>@[\]\\\p{C}]+(?:\.[^\s"(),.:;<>@[\]\\\p{C}]+)*$/u
const quoted = /^"(?:[^"\\\p{C}]|\\[\x20-\x7e])*"$/u
const domainForm = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/

/**
 * Returns the normal form: the domain in ASCII (IDNA), ASCII letters in lower case (a server may distinguish others),
 * and quotes only where needed. A sub-address (`anne+x@`) stays a different address.
 */
export function addressForm(email: string): string | undefined {
  const at = email.lastIndexOf('@')
  const domain = at < 1 ? undefined : nameForm(email.slice(at + 1))
  const local = localForm(email.slice(0, at))
  if (domain === undefined || local === undefined) return undefined
  const form = `${local}@${domain}`
  return Buffer.byteLength(form) > maxAddress ? undefined : form
}

export function domainOfForm(form: string): string {
  return form.slice(form.lastIndexOf('@') + 1)
}

/** Undefined for address literals (`[192.0.2.1]`) and invalid names. */
export function nameForm(domain: string): string | undefined {
  const ascii = asciiName(domain.replace(/\.$/, ''))
  return domainForm.test(ascii) ? ascii : undefined
}

function localForm(local: string): string | undefined {
  if (atoms.test(local)) return lowerAscii(local)
  if (!quoted.test(local)) return undefined
  const inner = local.slice(1, -1).replaceAll(/\\(.)/gu, '$1')
  return atoms.test(inner) ? lowerAscii(inner) : `"${lowerAscii(inner).replaceAll(/["\\]/g, '\\$&')}"`
}
