/** One alert: what it is about, since when, who has acknowledged it, and actions. */
import { Link } from 'wouter'
import type { Alert } from '../../contract/alerts.ts'
import { useMay } from '../platform/session.ts'
import { Badge, StatePill } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import type { Tone } from '../ui/tone.ts'
import { useAcknowledge, useMayChangeRules, useSilence } from './use-alerts.ts'

const states: Record<Alert['state'], string> = { pending: 'Pending', firing: 'Firing', cleared: 'Cleared' }
/** Labels of the time at the end of the row. */
const moments: Record<Alert['state'], string> = { pending: 'began', firing: 'raised', cleared: 'cleared' }
const tones: Record<Alert['severity'], Tone> = { info: 'info', warning: 'warn', critical: 'bad' }
const linkLook = 'rounded-sm text-accent underline-offset-2 hover:underline'
const silenceSeconds = 8 * 60 * 60

export function AlertRow({ alert }: { alert: Alert }) {
  const mayAct = useMay('dashboard:operate')
  const mayChange = useMayChangeRules()
  const { state, severity, words, account_id: accountId, acknowledged_by: by, silenced_until: silenced } = alert
  const isOver = state === 'cleared'
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b px-4 py-3 last:border-b-0">
      <StatePill tone={isOver ? 'good' : tones[severity]}>{states[state]}</StatePill>
      <span className="min-w-0 flex-1 basis-72">
        <span className="wrap-anywhere">{words}</span>
        <span className="flex flex-wrap gap-x-3 text-xs text-muted">
          <span>
            {moments[state]} <RelativeTime at={alert.cleared_at ?? alert.raised_at ?? alert.since} />
          </span>
          {accountId !== null && (
            <Link href={`/accounts/${accountId}`} className={linkLook}>
              Account<span className="sr-only"> of {words}</span>
            </Link>
          )}
          {mayChange && (
            <Link href={`/alerts/rules/${alert.rule_id}`} className={linkLook}>
              Rule<span className="sr-only"> of {words}</span>
            </Link>
          )}
        </span>
      </span>
      {alert.is_quiet && <Badge>Quiet</Badge>}
      {by && <Badge tone="info">Acknowledged by {by}</Badge>}
      {silenced && <Badge>Silenced</Badge>}
      {mayAct && !isOver && <AlertActions alert={alert} />}
    </li>
  )
}

function AlertActions({ alert }: { alert: Alert }) {
  const acknowledge = useAcknowledge(alert.id)
  const silence = useSilence(alert.id)
  const error = acknowledge.error ?? silence.error
  return (
    <span className="flex flex-wrap gap-2">
      {alert.acknowledged_by === null && (
        <Button size="sm" isBusy={acknowledge.isPending} onClick={() => acknowledge.mutate(undefined)}>
          Acknowledge
        </Button>
      )}
      <Button
        size="sm"
        variant="quiet"
        isBusy={silence.isPending}
        onClick={() => silence.mutate(alert.silenced_until ? 0 : silenceSeconds)}
      >
        {alert.silenced_until ? 'End the silence' : 'Silence for 8 h'}
      </Button>
      {error && (
        <span role="alert" className="text-sm text-bad">
          {error.message}
        </span>
      )}
    </span>
  )
}
