/** One rule: its sentence, state, back-test, and actions. */
import { Copy, Pencil, RotateCcw, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useLocation } from 'wouter'
import type { AlertRule } from '../../contract/alerts.ts'
import type { HistorySeries } from '../../contract/history.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { MoreActions } from '../ui/more-actions.tsx'
import { BackTestView } from './back-test-view.tsx'
import { type OpenRuleDialog, RuleDialog } from './rule-dialogs.tsx'
import { bodyOf, useMayChangeRules, useSwitchRule } from './use-alerts.ts'

export function RuleRow({ rule, unit }: { rule: AlertRule; unit: HistorySeries['unit'] }) {
  const [isTried, setIsTried] = useState(false)
  const [dialog, setDialog] = useState<OpenRuleDialog>()
  const [, navigate] = useLocation()
  const change = useSwitchRule(rule)
  const mayChange = useMayChangeRules()
  const { id, name, words, enabled, is_starter: isStarter, is_changed: isChanged } = rule
  return (
    <li className="grid gap-2 border-b px-4 py-3 last:border-b-0">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <div className="min-w-0 flex-1 basis-60">
          <p className="font-medium">{name}</p>
          <p className="text-sm text-soft">{words}</p>
        </div>
        {isStarter && <Badge>{isChanged ? 'Starter, changed' : 'Starter'}</Badge>}
        {!enabled && <Badge>Off</Badge>}
        <span className="flex items-center gap-1">
          <Button size="sm" aria-expanded={isTried} onClick={() => setIsTried(!isTried)}>
            Back-test<span className="sr-only">: {name}</span>
          </Button>
          {mayChange && (
            <>
              <Button size="sm" variant="quiet" isBusy={change.isPending} onClick={() => change.mutate(!enabled)}>
                {enabled ? 'Switch off' : 'Switch on'}
                <span className="sr-only">: {name}</span>
              </Button>
              <MoreActions
                isIcon
                subject={name}
                actions={[
                  { label: 'Edit', icon: Pencil, onChoose: () => navigate(`/alerts/rules/${id}`) },
                  { label: 'Duplicate', icon: Copy, onChoose: () => navigate(`/alerts/rules/new?copy=${id}`) },
                  ...(isChanged ? [{ label: 'Reset', icon: RotateCcw, onChoose: () => setDialog('reset') }] : []),
                  { label: 'Delete', icon: Trash2, isDangerous: true, onChoose: () => setDialog('delete') },
                ]}
              />
            </>
          )}
        </span>
      </div>
      {change.error && (
        <p role="alert" className="text-sm text-bad">
          {change.error.message}
        </p>
      )}
      {isTried && <BackTestView rule={bodyOf(rule)} unit={unit} />}
      {dialog && <RuleDialog kind={dialog} rule={rule} onClose={() => setDialog(undefined)} />}
    </li>
  )
}
