/** Alerts: those that are open, the rules, and the log. */
import { BellRing, History, Plus } from 'lucide-react'
import { useLocation } from 'wouter'
import { useVerdict } from '../overview/use-verdict.ts'
import { alertsHref } from '../overview/verdict.ts'
import { VerdictLine } from '../overview/verdict-line.tsx'
import { formatCount } from '../platform/format.ts'
import { ButtonLink } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { Panel } from '../ui/panel.tsx'
import { byUrgency } from './alert-order.ts'
import { AlertRow } from './alert-row.tsx'
import { AlertsTabs } from './alerts-tabs.tsx'
import { RuleRow } from './rule-row.tsx'
import { alertsIntervalMs, useAlertRules, useAlerts, useMayChangeRules, useSeries } from './use-alerts.ts'

const windowTitles: Record<string, string> = { '/alerts/rules': 'Alert rules', '/alerts/log': 'Cleared alerts' }

export function AlertsPage() {
  const [path] = useLocation()
  const mayChange = useMayChangeRules()
  return (
    <>
      <PageHeader
        title="Alerts"
        windowTitle={windowTitles[path]}
        description="What is wrong now, and the rules that watch for it."
        actions={
          path === '/alerts/rules' &&
          mayChange && (
            <ButtonLink href="/alerts/rules/new" variant="primary" icon={Plus}>
              New rule
            </ButtonLink>
          )
        }
      />
      <AlertsTabs />
      {path === '/alerts' && <OtherProblems />}
      {path === '/alerts/rules' ? (
        <Rules />
      ) : (
        <AlertList key={path} state={path === '/alerts/log' ? 'cleared' : 'open'} />
      )}
    </>
  )
}

/** Problems of the overview that no rule reports: both pages agree on whether anything is wrong. */
function OtherProblems() {
  const verdict = useVerdict()?.verdict
  const details = verdict?.details.filter(({ href }) => href && href !== alertsHref) ?? []
  if (!verdict || details.length === 0 || (verdict.tone !== 'bad' && verdict.tone !== 'warn')) return null
  return (
    <div className="mb-4">
      <VerdictLine verdict={{ ...verdict, title: formatCount(details.length, 'problem'), details }} />
    </div>
  )
}

function AlertList({ state }: { state: 'open' | 'cleared' }) {
  const alerts = useAlerts(state)
  const isNow = state === 'open'
  return (
    <Panel
      title={isNow ? 'Open' : 'Cleared'}
      query={alerts}
      intervalMs={alertsIntervalMs}
      isEmpty={({ items }) => items.length === 0}
      empty={
        isNow ? (
          <EmptyState
            icon={BellRing}
            title="No alert is firing"
            actions={<ButtonLink href="/alerts/rules">See the rules</ButtonLink>}
          >
            Alerts appear here when a rule fires. Notifiers also send them to people.
          </EmptyState>
        ) : (
          <EmptyState icon={History} title="No cleared alerts yet">
            Alerts are listed here once they clear.
          </EmptyState>
        )
      }
    >
      {({ items }) => (
        <ul>
          {(isNow ? items.toSorted(byUrgency) : items).map(alert => (
            <AlertRow key={alert.id} alert={alert} />
          ))}
        </ul>
      )}
    </Panel>
  )
}

function Rules() {
  const rules = useAlertRules()
  const series = useSeries().data?.items
  return (
    <Panel title="Rules" query={rules}>
      {({ items }) => (
        <ul>
          {items
            .toSorted((one, other) => one.name.localeCompare(other.name))
            .map(rule => (
              <RuleRow
                key={rule.id}
                rule={rule}
                unit={series?.find(({ name }) => name === rule.series)?.unit ?? 'count'}
              />
            ))}
        </ul>
      )}
    </Panel>
  )
}
