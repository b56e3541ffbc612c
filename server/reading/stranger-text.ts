/** A stranger's words as they may be shown: in one line, cut, without what a model would read and no person would see, and fenced. */
import { randomBytes } from 'node:crypto'
import { withoutModelMarks } from './model-marks.ts'

/** Zero-width and bidi controls, tags, variation selectors, fillers; and the three marks of annotations, which are as unseen. */
const unseen = /[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu
const control = /[^\P{Cc}\n\t]/gu
/** Of this nothing is ever taken out, unless it is blank lines. */
const notPlain = /[^\n\t -~]|\n{4}/
const maxSubject = 300

/** Lines end with LF; of blank lines at most two stay in a row. */
export function cleanText(text: string): string {
  if (!notPlain.test(text)) return text
  return text
    .toWellFormed()
    .replaceAll(/\r\n?|[\u2028\u2029\u0085]/g, '\n')
    .replaceAll(unseen, '')
    .replaceAll(control, '')
    .replaceAll(/\n{4,}/g, '\n\n\n')
}

/** One line of well-formed Unicode without control characters. */
export function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
}

/** One line for a model: a subject, a name, a path. A mark at its end says that there was more. */
export function cleanLine(text: string, maxLength = maxSubject): string {
  return cutText(withoutModelMarks(cleanText(text).replaceAll(/\s+/g, ' ').trim()), maxLength)
}

/** At most so long, with `…` where something is missing, and never half of a character. */
export function cutText(text: string, length: number): string {
  return text.length > length
    ? `${text
        .slice(0, length - 1)
        .toWellFormed()
        .replace(/\ufffd$/, '')}…`
    : text
}

/**
 * Puts bodies between two lines that nobody could know who wrote them: a mail cannot end its own fence. The same nonce serves
 * one whole reply.
 */
export class Fence {
  readonly #tag = `untrusted-${randomBytes(6).toString('hex')}`

  /** A piece of a text may begin where a line does not: what tells who speaks is looked for once more. */
  around(text: string): string {
    return `<${this.#tag}>\n${withoutModelMarks(text)}\n</${this.#tag}>`
  }
}
