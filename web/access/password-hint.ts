/**
 * Hints on a new password while it is typed, never that it is strong. The server judges that on submit: it takes large
 * word lists and CPU time, and a password is not sent more often than necessary.
 */
import type { Tone } from '../ui/tone.ts'

export const shortestPassword = 12

const advice = 'Several words in a row are easy to remember and hard to guess.'
/** Characters beside the user's own name and address up to which the server ignores them. */
const mostBesideOwn = 4

/** @param own The user's address and name. */
export function passwordHint(password: string, own: readonly string[]): { tone: Tone; text: string } {
  const { length } = password
  if (length === 0) return { tone: 'unknown', text: `At least ${shortestPassword} characters. ${advice}` }
  if (length < shortestPassword) {
    return { tone: 'unknown', text: `${countWords(shortestPassword - length)} to go. ${advice}` }
  }
  if (/^(.{1,4})\1+$/su.test(password))
    return { tone: 'warn', text: 'Repeating the same few characters is easy to guess.' }
  if (withoutOwn(password, own).length <= mostBesideOwn) {
    return { tone: 'warn', text: 'Your own name or address is the first thing that attackers try.' }
  }
  return { tone: 'unknown', text: 'Long enough. Its strength is checked when you submit it.' }
}

function countWords(count: number): string {
  return count === 1 ? '1 more character' : `${count} more characters`
}

/** Removes the user's own words from the password. */
function withoutOwn(password: string, own: readonly string[]): string {
  const words = own.flatMap(text => text.toLowerCase().split(/[^\p{L}\p{N}]+/u)).filter(word => word.length > 2)
  return words.reduce((rest, word) => rest.replaceAll(word, ''), password.toLowerCase())
}
