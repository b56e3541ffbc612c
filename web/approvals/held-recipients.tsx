/** The envelope of a held message, each address in full; those outside the sender's domain are marked. */
import type { Submission } from '../../contract/submission.ts'
import { AddressText } from '../outbox/address-text.tsx'
import { formatCount } from '../platform/format.ts'
import { Badge } from '../ui/badge.tsx'
import { splitAddress } from './approval-words.ts'

const kinds = { to: 'To', cc: 'Cc', bcc: 'Bcc' } as const

/** @param envelope The SMTP envelope, which also contains recipients that are in no header. */
export function HeldRecipients({
  submission: { from, recipients },
  envelope,
}: {
  submission: Pick<Submission, 'from' | 'recipients'>
  envelope: { from: string; to: readonly string[] }
}) {
  const ownDomain = splitAddress(envelope.from).domain.toLowerCase()
  const kindOf = new Map(recipients.map(({ email, kind }) => [email.toLowerCase(), kind]))
  return (
    <section aria-label="Sender and recipients" className="grid grid-cols-1 gap-1 border-b px-4 py-2.5 text-sm">
      <p className="flex gap-2">
        <span className="w-12 shrink-0 text-muted">From</span>
        <span className="min-w-0">
          {from.name && <bdi>{from.name} </bdi>}
          <AddressText email={envelope.from} />
        </span>
      </p>
      <h3 className="pt-1 text-xs text-muted">{formatCount(envelope.to.length, 'recipient')}</h3>
      <ul className="grid max-h-60 grid-cols-1 gap-1 overflow-y-auto">
        {envelope.to.map(email => (
          <li key={email} className="flex gap-2">
            <span className="w-12 shrink-0 text-muted">{kinds[kindOf.get(email.toLowerCase()) ?? 'bcc']}</span>
            <span className="min-w-0">
              <AddressText email={email} />{' '}
              {splitAddress(email).domain.toLowerCase() !== ownDomain && <Badge tone="warn">Another domain</Badge>}
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}
