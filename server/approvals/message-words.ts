/** A message that waits, in plain words: what a proposal says of it. */

const namedRecipients = 3

/** @param to All of its envelope. */
export function messageWords(subject: string, to: readonly string[]): string {
  const named = to.slice(0, namedRecipients).join(', ')
  const more = to.length > namedRecipients ? ` and ${to.length - namedRecipients} more` : ''
  return `Send “${subject.slice(0, 200)}” to ${named}${more}`
}
