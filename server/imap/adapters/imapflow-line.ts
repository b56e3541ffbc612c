/** What a mail server says of a stranger's words and numbers, so that it can be used: one line, a whole number. */

/** One line of well-formed Unicode without control characters. */
export function toLine(value: string | undefined): string {
  return (value ?? '')
    .toString()
    .toWellFormed()
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
}

/** Null for what counts nothing. */
export function toWhole(value: number | undefined): number | null {
  return value !== undefined && Number.isSafeInteger(value) && value >= 0 ? value : null
}
