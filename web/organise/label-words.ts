/** Labels: readable names of the mail server's keywords. */
import { keywordWords } from '../mail/mail-words.ts'

/** Labels of Thunderbird and other clients, shown by the same names in lists. */
const known = ['$label1', '$label2', '$label3', '$label4', '$label5']
/** Valid keywords: `flag-keyword` in RFC 9051, section 9, as in the contract. */
const allowed = /^[!#$&'+-[^-z|}~]{1,100}$/
/** Internal marks of programs, and system flags spelled as keywords. */
const reserved =
  /^(seen|flagged|answered|draft|deleted|\$?(not|non)?junk|\$phishing|\$forwarded|\$mdnsent|\$submit.*)$/i

/** Returns the labels of these messages and the well-known ones, without duplicates. */
export function knownLabels(keywords: Iterable<string>): string[] {
  const labels = new Map<string, string>()
  for (const keyword of [...known, ...keywords]) {
    const words = labelWords(keyword)
    if (words !== undefined && !reserved.test(keyword)) labels.set(words.toLowerCase(), keyword)
  }
  return [...labels.values()]
}

/** Returns the readable label; undefined for an internal mark. */
export function labelWords(keyword: string): string | undefined {
  return keywordWords([keyword])[0]
}

/** Converts a typed label to a keyword without spaces; undefined if it cannot be one. */
export function labelFrom(typed: string): string | undefined {
  const keyword = typed.trim().replaceAll(/\s+/g, '-')
  return allowed.test(keyword) && !reserved.test(keyword) ? keyword : undefined
}
