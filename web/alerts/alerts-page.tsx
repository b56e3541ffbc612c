/** What is wrong now, what was, and the rules by which it is told. */
import { BellRing, Send } from 'lucide-react'
import { useMay } from '../platform/session.ts'
import { ButtonLink } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { Panel } from '../ui/panel.tsx'
import { AlertRow } from './alert-row.tsx'
import { RuleRow } from './rule-row.tsx'
import { alertsIntervalMs, useAlertRules, useAlerts } from './use-alerts.ts'

export function AlertsPage() {
  const open = useAlerts('open')
  const over = useAlerts('cleared')
  const rules = useAlertRules()
  const mayNotify = useMay('dashboard:admin')
  return (
    <>
      <PageHeader
        title="Alerts"
        description="What RustyMail watches of itself, and what is wrong now."
        actions={
          mayNotify && (
            <ButtonLink href="/alerts/notifiers" icon={Send}>
              Notifiers
            </ButtonLink>
          )
        }
      />
      <div className="grid gap-4">
        <Panel
          title="Now"
          query={open}
          intervalMs={alertsIntervalMs}
          isEmpty={({ items }) => items.length === 0}
          empty={<EmptyState icon={BellRing} title="Nothing is wrong" />}
        >
          {({ items }) => (
            <ul>
              {items.map(alert => (
                <AlertRow key={alert.id} alert={alert} />
              ))}
            </ul>
          )}
        </Panel>
        <Panel title="Rules" query={rules}>
          {({ items }) => (
            <ul>
              {items.map(rule => (
                <RuleRow key={rule.id} rule={rule} />
              ))}
            </ul>
          )}
        </Panel>
        <Panel
          title="Lately"
          query={over}
          intervalMs={alertsIntervalMs}
          isEmpty={({ items }) => items.length === 0}
          empty={<EmptyState title="No alert has cleared yet" />}
        >
          {({ items }) => (
            <ul>
              {items.map(alert => (
                <AlertRow key={alert.id} alert={alert} />
              ))}
            </ul>
          )}
        </Panel>
      </div>
    </>
  )
}
