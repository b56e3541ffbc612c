/** The envelope of a held message and its time, each address in full; those outside the sender's domain are marked. */

import type { MessageContent } from '../../contract/draft.ts'
import type { Submission } from '../../contract/submission.ts'
import { zoneAt } from '../analytics/time-labels.ts'
import { AddressText } from '../outbox/address-text.tsx'
import { lowerAscii } from '../platform/ascii-case.ts'
import { formatCount, formatDateTime } from '../platform/format.ts'
import { visibleText } from '../platform/visible-text.ts'
import { Badge } from '../ui/badge.tsx'
import { domainCounts, showsAddress, splitAddress } from './approval-words.ts'

const kinds = { to: 'To', cc: 'Cc', bcc: 'Bcc' } as const
/** Recipients from which on their domains are counted: not all of them are in view. */
const many = 6

/** @param content As sent: the SMTP envelope also contains recipients that are in no header. */
export function HeldRecipients({
  submission: { recipients, send_at: sendAt },
  content: { envelope, people },
  strangers,
}: {
  submission: Pick<Submission, 'recipients' | 'send_at'>
  content: Pick<MessageContent, 'envelope' | 'people'>
  /** Recipients, in lower case, that the account never wrote to. */
  strangers: ReadonlySet<string>
}) {
  const ownDomain = lowerAscii(splitAddress(envelope.from).domain)
  const kindOf = new Map(recipients.map(({ email, kind }) => [lowerAscii(email), kind]))
  const nameOf = new Map(
    people.filter(({ field }) => field in kinds).map(({ email, name }) => [lowerAscii(email), name]),
  )
  const from = people.filter(({ field }) => field === 'from')
  const replyTo = people.filter(({ field }) => field === 'reply_to')
  return (
    <section aria-label="Sender and recipients" className="grid grid-cols-1 gap-1 border-b px-4 py-2.5 text-sm">
      {from.map(({ name, email }) => (
        <Line key={email} label="From" name={name} email={email} />
      ))}
      {from.every(({ email }) => lowerAscii(email) !== lowerAscii(envelope.from)) && (
        <Line label="Sent as" name={null} email={envelope.from} />
      )}
      {replyTo.map(({ name, email }) => (
        <Line key={email} label="Replies" name={name} email={email} isOther={isOther(email, ownDomain)} />
      ))}
      {sendAt !== null && (
        <p className="flex gap-2">
          <span className="w-14 shrink-0 text-muted">Sent</span>
          <span className="min-w-0">
            not before {formatDateTime(Date.parse(sendAt))} {zoneAt(Date.parse(sendAt))}{' '}
            <Badge tone="warn">Scheduled</Badge>
          </span>
        </p>
      )}
      <h3 className="pt-1 text-xs wrap-anywhere text-muted">
        {formatCount(envelope.to.length, 'recipient')}
        {envelope.to.length >= many && `: ${visibleText(domainCounts(envelope.to))}`}
      </h3>
      <ul
        // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard
        tabIndex={0}
        className="grid max-h-60 grid-cols-1 gap-1 overflow-y-auto"
      >
        {envelope.to.map(email => (
          <li key={email}>
            <Line
              label={kinds[kindOf.get(lowerAscii(email)) ?? 'bcc']}
              name={nameOf.get(lowerAscii(email)) ?? null}
              email={email}
              isOther={isOther(email, ownDomain)}
              isNew={strangers.has(lowerAscii(email))}
            />
          </li>
        ))}
      </ul>
    </section>
  )
}

/** A person with the name that recipients see, which is any text that the writer chose. */
function Line({
  label,
  name,
  email,
  isOther = false,
  isNew = false,
}: {
  label: string
  name: string | null
  email: string
  isOther?: boolean
  isNew?: boolean
}) {
  return (
    <p className="flex gap-2">
      <span className="w-14 shrink-0 text-muted">{label}</span>
      <span className="min-w-0">
        {name !== null && <bdi className="wrap-anywhere">{visibleText(name)} </bdi>}
        <AddressText email={email} /> {isOther && <Badge tone="warn">Another domain</Badge>}{' '}
        {isNew && <Badge tone="warn">Never written to</Badge>}{' '}
        {name !== null && showsAddress(name, email) && <Badge tone="bad">The name shows another address</Badge>}
      </span>
    </p>
  )
}

function isOther(email: string, ownDomain: string): boolean {
  return lowerAscii(splitAddress(email).domain) !== ownDomain
}
