/** How a message begins, as one line. */

const previewLength = 200
/** What is read for it: newsletters fill up with what is not seen. */
const maxBeginning = 4000
/** Not seen, or a blank of its own kind. */
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
