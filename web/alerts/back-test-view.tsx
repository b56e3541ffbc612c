/** What a rule would have done in the past days: its values, the threshold, and when it would have fired. */
import type { AlertRule, BackTest } from '../../contract/alerts.ts'
import { ErrorState } from '../ui/error-state.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { backTestShape, backTestWords } from './back-test-shape.ts'
import { useBackTest } from './use-alerts.ts'

export function BackTestView({ rule, days }: { rule: AlertRule; days: number }) {
  const { data, error, refetch } = useBackTest(rule, days)
  if (error) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) return <Skeleton className="h-24 w-full" />
  return (
    <div className="grid gap-2">
      <p className="text-sm text-soft">{backTestWords(data, days)}</p>
      {data.instances.slice(0, 5).map(instance => (
        <InstanceChart key={JSON.stringify(instance.labels)} rule={rule} data={data} instance={instance} />
      ))}
    </div>
  )
}

function InstanceChart({
  rule,
  data,
  instance,
}: {
  rule: AlertRule
  data: BackTest
  instance: BackTest['instances'][number]
}) {
  const { line, threshold, bands } = backTestShape(rule, data, instance)
  const name = Object.values(instance.labels).join(', ')
  return (
    <figure>
      {name && <figcaption className="font-mono text-xs text-muted">{name}</figcaption>}
      <svg viewBox="0 0 100 100" preserveAspectRatio="none" className="h-16 w-full" role="img">
        <title>{`${rule.name} ${name}: would have fired ${instance.fired} times`}</title>
        {bands.map(({ from, width }) => (
          <rect key={from} x={from} y="0" width={width} height="100" className="fill-current text-bad opacity-25" />
        ))}
        <path
          d={`M0 ${threshold}H100`}
          className="fill-none stroke-current text-warn"
          vectorEffect="non-scaling-stroke"
        />
        <path d={line} className="fill-none stroke-current text-accent" vectorEffect="non-scaling-stroke" />
      </svg>
    </figure>
  )
}
