/** Describes a waiting message in plain words, for its proposal. */

const namedRecipients = 3

/** @param to All recipients of the envelope. */
export function messageWords(subject: string, to: readonly string[]): string {
  const named = to.slice(0, namedRecipients).join(', ')
  const more = to.length > namedRecipients ? ` and ${to.length - namedRecipients} more` : ''
  return `Send “${subject.slice(0, 200)}” to ${named}${more}`
}
