/** Hides the collapsed messages in the middle of a long conversation. */

/** Collapsed messages before the first open one that are all shown; of more, only the first and the last are. */
const mostFolded = 4

export function foldMiddle<Message>(messages: readonly Message[], isOpen: (message: Message) => boolean) {
  const firstOpen = messages.findIndex(isOpen)
  const folded = firstOpen < 0 ? messages.length : firstOpen
  if (folded <= mostFolded) return { before: messages, hidden: [], after: [] }
  return { before: messages.slice(0, 1), hidden: messages.slice(1, folded - 1), after: messages.slice(folded - 1) }
}
