/** Labels: keywords of the mail server, as people call them. */
import { keywordWords } from '../mail/mail-words.ts'

/** What Thunderbird and others call these; shown by the same words in lists. */
const known = ['$label1', '$label2', '$label3', '$label4', '$label5']
/** RFC 9051, section 9: `flag-keyword`, as the contract has it. */
const allowed = /^[!#$&'+-[^-z|}~]{1,100}$/
/** Marks that programs set for themselves, and flags by their own names. */
const reserved =
  /^(seen|flagged|answered|draft|deleted|\$?(not|non)?junk|\$phishing|\$forwarded|\$mdnsent|\$submit.*)$/i

/** Those of some messages, with those that every program knows; each once. */
export function knownLabels(keywords: Iterable<string>): string[] {
  const labels = new Map<string, string>()
  for (const keyword of [...known, ...keywords]) {
    const words = labelWords(keyword)
    if (words !== undefined && !reserved.test(keyword)) labels.set(words.toLowerCase(), keyword)
  }
  return [...labels.values()]
}

/** Undefined for one that is nothing to a reader. */
export function labelWords(keyword: string): string | undefined {
  return keywordWords([keyword])[0]
}

/** A new one, as the mail server takes it: without blanks. Undefined for what cannot be one. */
export function labelFrom(typed: string): string | undefined {
  const keyword = typed.trim().replaceAll(/\s+/g, '-')
  return allowed.test(keyword) && !reserved.test(keyword) ? keyword : undefined
}
