/** Notes on how the open message is signed or encrypted. */
import type { Message } from '../../contract/mail.ts'
import { protectionWords } from './protection-words.ts'

export function ProtectionNotes({ message: { protection } }: { message: Pick<Message, 'protection'> }) {
  if (protection.length === 0) return null
  return (
    <ul aria-label="Signatures and encryption" className="shrink-0 border-b px-4 py-1.5 text-xs text-soft">
      {protection.map((one, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: notes may be equal, and the list never changes
        <li key={index}>{protectionWords(one)}</li>
      ))}
    </ul>
  )
}
