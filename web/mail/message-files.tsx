/** How the open message is signed or encrypted, and the message as a file. */
import { type Message, messageRawPath } from '../../contract/mail.ts'
import { addressOf } from '../platform/api-client.ts'
import { protectionWords } from './protection-words.ts'

export function ProtectionNotes({ message: { protection } }: { message: Pick<Message, 'protection'> }) {
  if (protection.length === 0) return null
  return (
    <ul aria-label="Signatures and encryption" className="shrink-0 border-b px-4 py-1.5 text-xs text-soft">
      {protection.map((one, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two may be alike, and the list never changes
        <li key={index}>{protectionWords(one)}</li>
      ))}
    </ul>
  )
}

export function SaveMessage({ accountId, messageRef }: { accountId: string; messageRef: string }) {
  return (
    <a
      href={addressOf(messageRawPath, { account_id: accountId, ref: messageRef }, {})}
      download
      className="ml-auto inline-flex min-h-6 items-center rounded-sm text-xs font-medium text-accent"
    >
      Save as .eml
    </a>
  )
}
