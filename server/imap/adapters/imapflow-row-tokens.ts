/** What a row of FETCH is made of, as ImapFlow has it: lists, strings and numbers; and how it is said that one is not as usual. */

/** What ImapFlow makes of a list, of a string or atom, and of NIL. */
export type Token = Token[] | { value: string | Buffer } | null

/** Thrown where a row is not as usual, and caught where it is read. */
export const unusual = new Error('not a usual row')
export const refuse = (): never => {
  throw unusual
}

export const isCapital = (code: number) => code >= 0x41 && code <= 0x5a
/** A capital, a digit, a dot or a hyphen. */
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

/** With no more digits than the largest has, as ImapFlow counts them. */
export function numberOf(token: Token, most: number): number {
  const text = textOf(token)
  const number = Number(text)
  if (!/^\d+$/.test(text) || text.length > `${most}`.length || number > most) throw unusual
  return number
}
