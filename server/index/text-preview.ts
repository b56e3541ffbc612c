/** Makes a one-line preview of the beginning of a message. */

const previewLength = 200
/** Characters read for a preview; newsletters begin with invisible padding. */
const maxBeginning = 4000
/** Invisible characters and all kinds of blanks. */
const unseen = /[\u034f\u17b4\u17b5\u115f\u1160\u2800\u3164\uffa0\p{Cf}\p{Cc}\p{Z}]+/gu

export function previewOf(text: string): string {
  const line = text.slice(0, maxBeginning).replaceAll(unseen, ' ').trim()
  return line.length > previewLength
    ? line
        .slice(0, previewLength)
        .toWellFormed()
        .replace(/\ufffd$/, '')
        .trimEnd()
    : line
}
