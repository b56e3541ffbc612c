/** Addresses in one form, so that rules compare mailboxes and not spellings. What has no such form matches no rule. */
import { domainToASCII } from 'node:url'

/** RFC 5321, section 4.5.3.1.3, without the brackets. */
const maxAddress = 254
const atoms = /^[^\s"(),.:;<>@[\]\\\p{C}]+(?:\.[^\s"(),.:;<>@[\]\\\p{C}]+)*$/u
const quoted = /^"(?:[^"\\\p{C}]|\\[\x20-\x7e])*"$/u
const domainForm = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/

/**
 * The domain as name servers know it, ASCII letters in lower case (others stay: a server may tell them apart), and quotes only where they are needed.
 * A sub-address (`anne+x@`) stays another address.
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

/** Undefined for address literals (`[192.0.2.1]`), and what is no name. */
export function nameForm(domain: string): string | undefined {
  const ascii = domainToASCII(domain.replace(/\.$/, ''))
  return domainForm.test(ascii) ? ascii : undefined
}

function localForm(local: string): string | undefined {
  if (atoms.test(local)) return lower(local)
  if (!quoted.test(local)) return undefined
  const inner = local.slice(1, -1).replaceAll(/\\(.)/gu, '$1')
  return atoms.test(inner) ? lower(inner) : `"${lower(inner).replaceAll(/["\\]/g, '\\$&')}"`
}

/** Of ASCII alone: `K` (Kelvin) is no `k`. */
function lower(text: string): string {
  return text.replaceAll(/[A-Z]/g, letter => letter.toLowerCase())
}
