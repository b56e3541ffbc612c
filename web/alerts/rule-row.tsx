/** One rule: as a sentence, on or off, and what it would have done. */
import { useState } from 'react'
import type { AlertRule } from '../../contract/alerts.ts'
import { useMay } from '../platform/session.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { BackTestView } from './back-test-view.tsx'
import { useSwitchRule } from './use-alerts.ts'

const days = 30

export function RuleRow({ rule }: { rule: AlertRule }) {
  const [isTried, setIsTried] = useState(false)
  const change = useSwitchRule(rule)
  const mayChange = useMay('dashboard:admin')
  return (
    <li className="grid gap-2 border-b px-4 py-3 last:border-b-0">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <div className="min-w-0 flex-1 basis-60">
          <p className="font-medium">{rule.name}</p>
          <p className="text-sm text-soft">{rule.words}</p>
        </div>
        {!rule.enabled && <Badge>off</Badge>}
        <Button size="sm" aria-expanded={isTried} onClick={() => setIsTried(!isTried)}>
          Try on the last {days} days
        </Button>
        {mayChange && (
          <Button size="sm" variant="quiet" isBusy={change.isPending} onClick={() => change.mutate(!rule.enabled)}>
            {rule.enabled ? 'Switch off' : 'Switch on'}
          </Button>
        )}
      </div>
      {change.error && (
        <p role="alert" className="text-sm text-bad">
          {change.error.message}
        </p>
      )}
      {isTried && <BackTestView rule={rule} days={days} />}
    </li>
  )
}
