/** Tokens of a FETCH row in ImapFlow's format, and the error that marks an unusual row. */

/** Token of a row: a list, a string or atom, or NIL. */
export type Token = Token[] | { value: string | Buffer } | null

/** Thrown for an unusual row and caught by the reader. */
export const unusual = new Error('not a usual row')
export const refuse = (): never => {
  throw unusual
}

export const isCapital = (code: number) => code >= 0x41 && code <= 0x5a
/** True for a capital letter, a digit, a dot or a hyphen. */
export const isNameCode = (code: number) =>
  isCapital(code) || (code >= 0x30 && code <= 0x39) || code === 0x2e || code === 0x2d

export function listOf(token: Token): Token[] {
  if (!Array.isArray(token)) throw unusual
  return token
}

export function textOf(token: Token): string {
  if (token === null || Array.isArray(token)) throw unusual
  return token.value.toString()
}

/** Parses a number with at most as many digits as `most`, as ImapFlow does. */
export function numberOf(token: Token, most: number): number {
  const text = textOf(token)
  const number = Number(text)
  if (!/^\d+$/.test(text) || text.length > `${most}`.length || number > most) throw unusual
  return number
}
