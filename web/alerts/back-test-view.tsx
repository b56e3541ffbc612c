/** What a rule would have done in the past days: a summary, its values with the thresholds, and each time it fired. */
import { useId, useState } from 'react'
import type { AlertRuleBody, BackTest } from '../../contract/alerts.ts'
import type { HistorySeries } from '../../contract/history.ts'
import { useAccounts } from '../accounts/use-accounts.ts'
import { formatDuration, formatMinute } from '../platform/format.ts'
import { useTokens } from '../tokens/use-tokens.ts'
import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { ErrorState } from '../ui/error-state.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { BackTestChart, type Tried } from './back-test-chart.tsx'
import { backTestWords } from './back-test-shape.ts'
import { formatFigure, type Unit } from './rule-figures.ts'
import { triedDays, useBackTest } from './use-back-test.ts'

const mostCharts = 3
const mostFirings = 8

/** @param rule Undefined while the form is invalid. */
export function BackTestView({ rule, unit }: { rule: AlertRuleBody | undefined; unit: HistorySeries['unit'] }) {
  const [days, setDays] = useState<(typeof triedDays)[number]>(7)
  const [showsAll, setShowsAll] = useState(false)
  const { data, error, refetch, tried, isStale } = useBackTest(rule, days)
  const nameOf = useInstanceNames()
  const legend = useId()
  const shownUnit: Unit = tried?.usual ? 'times' : tried?.share_of ? 'percent' : unit
  const instances = data?.instances ?? []
  const shown = showsAll ? instances : instances.slice(0, mostCharts)
  return (
    <div className="grid gap-3">
      <fieldset aria-labelledby={legend} className="flex flex-wrap items-center gap-1">
        <span id={legend} className="mr-1 text-xs text-muted">
          Test on the last
        </span>
        {triedDays.map(each => (
          <button
            key={each}
            type="button"
            aria-pressed={each === days}
            onClick={() => setDays(each)}
            className={classNames(
              'min-h-7 rounded-sm px-2 text-xs',
              each === days ? 'bg-accent-fill text-on-fill' : 'text-soft hover:bg-sunken',
            )}
          >
            {each === 1 ? '24 hours' : `${each} days`}
          </button>
        ))}
        {data && rule && isStale && <span className="text-xs text-muted">Testing the change…</span>}
      </fieldset>
      {!rule && !data && <p className="text-sm text-muted">Once the rule is complete, it is tested on the past.</p>}
      {rule && error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {rule && !data && !error && <Skeleton className="h-32 w-full" />}
      {data && tried && !(rule && error) && (
        <div className="grid gap-3" aria-busy={isStale}>
          <p role="status" className={classNames('text-sm font-medium', data.fired > 0 ? 'text-ink' : 'text-soft')}>
            {backTestWords(data, days)}
          </p>
          {instances.length === 0 && <p className="text-sm text-muted">No data in this time.</p>}
          {shown.map(instance => (
            <BackTestChart
              key={JSON.stringify(instance.labels)}
              {...{ rule: tried, data, instance, unit: shownUnit, name: nameOf(instance) }}
            />
          ))}
          {instances.length > 0 && (
            <p className="text-2xs text-muted">
              Solid line: the threshold.{tried.clear_threshold !== null && ' Dashed line: where it clears.'} Shaded:
              firing.
            </p>
          )}
          {(instances.length > mostCharts || data.instances_left_out > 0) && (
            <p className="text-xs text-muted">
              {instances.length > mostCharts && (
                <Button size="sm" variant="quiet" onClick={() => setShowsAll(!showsAll)}>
                  {showsAll ? 'Show fewer' : `Show ${instances.length - mostCharts} more`}
                </Button>
              )}
              {data.instances_left_out > 0 && ` ${data.instances_left_out} more are not shown.`}
            </p>
          )}
          {data.fired > 0 && <Firings {...{ data, unit: shownUnit, nameOf }} />}
        </div>
      )}
    </div>
  )
}

/** The times when it would have fired, newest first. */
function Firings({ data, unit, nameOf }: { data: BackTest; unit: Unit; nameOf(instance: Tried): string }) {
  const all = data.instances
    .flatMap(instance => instance.firings.map(firing => ({ ...firing, name: nameOf(instance) })))
    .sort((one, other) => other.from.localeCompare(one.from))
  return (
    <ul aria-label="When it would have fired" className="grid gap-0.5 text-xs text-soft">
      {all.slice(0, mostFirings).map(({ from, to, worst, name }) => (
        <li key={`${from} ${name}`}>
          {formatMinute(Date.parse(from))}, {formatDuration((Date.parse(to ?? data.to) - Date.parse(from)) / 1000)}
          {to === null && ' up to now'}
          {worst !== null && `, worst ${formatFigure(worst, unit)}`}
          {name && (
            <>
              : <bdi>{name}</bdi>
            </>
          )}
        </li>
      ))}
      {data.fired > mostFirings && <li className="text-muted">and {data.fired - mostFirings} more</li>}
    </ul>
  )
}

function useInstanceNames(): (instance: Tried) => string {
  const accounts = useAccounts().data?.items
  const tokens = useTokens().data?.items
  return ({ labels }) =>
    Object.entries(labels)
      .map(([label, value]) => {
        if (label === 'principal') return tokens?.find(({ id }) => value === `token-${id}`)?.name ?? value
        const account = label === 'account_id' ? accounts?.find(({ id }) => id === value) : undefined
        return account ? account.name || account.email : value
      })
      .filter(text => text !== '')
      .join(', ')
}
