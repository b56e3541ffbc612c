/** The open message as a file. */
import { type Message, messageRawPath } from '../../contract/mail.ts'
import { addressOf } from '../platform/api-client.ts'

export function MessageFiles({ accountId, message: { ref } }: { accountId: string; message: Pick<Message, 'ref'> }) {
  return (
    <p className="shrink-0 border-b px-4 py-1.5 text-xs">
      <a
        href={addressOf(messageRawPath, { account_id: accountId, ref }, {})}
        download
        className="inline-flex min-h-6 items-center rounded-sm font-medium text-accent"
      >
        Save as .eml
      </a>
    </p>
  )
}
