/** What can be said of a new password while it is typed. Whether it is among the common ones, the server says. */
import type { Tone } from '../ui/tone.ts'

export const shortestPassword = 12

const advice = 'Several words in a row are easy to remember and hard to guess.'

/** @param own The address and the name of its owner. */
export function passwordHint(password: string, own: readonly string[]): { tone: Tone; text: string } {
  const length = [...password].length
  if (length === 0) return { tone: 'unknown', text: `At least ${shortestPassword} characters. ${advice}` }
  if (password.length < shortestPassword) {
    return { tone: 'unknown', text: `${countWords(shortestPassword - password.length)} to go. ${advice}` }
  }
  if (new Set(password).size < 5) return { tone: 'warn', text: 'Few different characters are easy to guess.' }
  if (/^[\d\s.-]+$/.test(password)) return { tone: 'warn', text: 'Digits alone are easy to guess.' }
  if (withoutOwn(password, own).length < 8) {
    return { tone: 'warn', text: 'Your own name or address is the first that others try.' }
  }
  return { tone: 'good', text: length < 16 ? 'Long enough.' : 'Good and long.' }
}

function countWords(count: number): string {
  return count === 1 ? '1 more character' : `${count} more characters`
}

/** What is left of it when the words are taken out that everybody knows of its owner. */
function withoutOwn(password: string, own: readonly string[]): string {
  const words = own.flatMap(text => text.toLowerCase().split(/[^\p{L}\p{N}]+/u)).filter(word => word.length > 2)
  return words.reduce((rest, word) => rest.replaceAll(word, ''), password.toLowerCase())
}
