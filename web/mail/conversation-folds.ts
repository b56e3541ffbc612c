/** What of a long conversation is left out at first: the folded messages in its middle. */

/** Folded messages at both ends of a row of them stay: the first one, and the one before what is open. */
const mostFolded = 4

export function foldMiddle<Message>(messages: readonly Message[], isOpen: (message: Message) => boolean) {
  const firstOpen = messages.findIndex(isOpen)
  const folded = firstOpen < 0 ? messages.length : firstOpen
  if (folded <= mostFolded) return { before: messages, hidden: [], after: [] }
  return { before: messages.slice(0, 1), hidden: messages.slice(1, folded - 1), after: messages.slice(folded - 1) }
}
