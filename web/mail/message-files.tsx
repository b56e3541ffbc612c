/** How the open message is signed or encrypted, and the message as a file. */
import { type Message, messageRawPath } from '../../contract/mail.ts'
import { addressOf } from '../platform/api-client.ts'
import { protectionWords } from './protection-words.ts'

export function MessageFiles({
  accountId,
  message: { ref, protection },
}: {
  accountId: string
  message: Pick<Message, 'ref' | 'protection'>
}) {
  return (
    <div className="flex shrink-0 flex-wrap items-center gap-x-3 border-b px-4 py-1.5 text-xs">
      {protection.map((one, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two may be alike, and the list never changes
        <p key={index} className="text-soft">
          {protectionWords(one)}
        </p>
      ))}
      <a
        href={addressOf(messageRawPath, { account_id: accountId, ref }, {})}
        download
        className="inline-flex min-h-6 items-center rounded-sm font-medium text-accent"
      >
        Save as .eml
      </a>
    </div>
  )
}
