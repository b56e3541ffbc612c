/** The delivery state of a webhook: what fails, how much is queued, and the next retry. */
import type { Webhook } from '../../contract/webhooks.ts'
import { formatCount } from '../platform/format.ts'
import { StatePill } from '../ui/badge.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { faultWords } from './fault-words.ts'

export function WebhookState({ webhook }: { webhook: Webhook }) {
  const { state, disabled, last_fault: fault, next_try_at: next, behind, waiting, failures } = webhook
  if (disabled) {
    return (
      <>
        <StatePill tone="unknown">Disabled</StatePill>
        <span className="block text-xs text-muted">{disabled.detail}</span>
      </>
    )
  }
  if (state === 'active') return <StatePill tone="good">Active</StatePill>
  if (failures === 0) {
    const faults = [...new Set(waiting.map(each => faultWords(each.last_fault)))].join(', ')
    const count = waiting.filter(({ account_id: of }) => of !== null).length
    const of = count > 0 ? formatCount(count, 'account') : 'events of no account'
    return (
      <>
        <StatePill tone="warn">Failing for {of}</StatePill>
        <span className="block text-xs text-muted">{faults}; the others continue</span>
      </>
    )
  }
  return (
    <>
      <StatePill tone="bad">Failing</StatePill>
      <span className="block max-w-64 text-xs text-muted">
        {faultWords(fault)}; {formatCount(behind, 'event')} waiting
        {next && (
          <>
            ; next retry <RelativeTime at={next} />
          </>
        )}
      </span>
    </>
  )
}
