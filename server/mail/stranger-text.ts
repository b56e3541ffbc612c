/** A stranger's words on their way to a model: what it would read and no person would see is taken out, and bodies are fenced. */
import { randomBytes } from 'node:crypto'
import type { Address } from '../../contract/mail.ts'

/** Zero-width and bidi controls, tags, variation selectors, fillers; and the three marks of annotations, which are as unseen. */
const unseen = /[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu
const control = /[^\P{Cc}\n\t]/gu
const maxSubject = 300
const maxAddress = 200

/** Lines end with LF; of blank lines at most two stay in a row. */
export function cleanText(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/\r\n?|[\u2028\u2029\u0085]/g, '\n')
    .replaceAll(unseen, '')
    .replaceAll(control, '')
    .replaceAll(/\n{4,}/g, '\n\n\n')
}

export function cleanSubject(subject: string): string {
  return cut(cleanLine(subject), maxSubject)
}

/** `Anna Smith <anna@example.org>` */
export function cleanAddress({ name, email }: Address): string {
  const address = cleanLine(email)
  const words = cleanLine(name ?? '')
  return cut(words === '' || words === address ? address : `${words} <${address}>`, maxAddress)
}

/**
 * Puts bodies between two lines that nobody could know who wrote them: a mail cannot end its own fence. The same nonce serves
 * one whole reply.
 */
export class Fence {
  readonly #tag = `untrusted-${randomBytes(6).toString('hex')}`

  around(text: string): string {
    return `<${this.#tag}>\n${text}\n</${this.#tag}>`
  }
}

function cleanLine(text: string): string {
  return cleanText(text).replaceAll(/\s+/g, ' ').trim()
}

/** A mark says that there was more. */
function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1).toWellFormed()}…` : text
}
