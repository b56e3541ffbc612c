/** Active stops, who made them, and how to lift them. */
import type { Freeze } from '../../contract/freezes.ts'
import { useAccounts } from '../accounts/use-accounts.ts'
import { useMay } from '../platform/session.ts'
import { visibleText } from '../platform/visible-text.ts'
import { useTokens } from '../tokens/use-tokens.ts'
import { Banner } from '../ui/banner.tsx'
import { Button } from '../ui/button.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { useLift } from './use-freezes.ts'

/** Maximum stops shown; more would push the page away. */
const mostShown = 3

export function FreezeStops({ freezes }: { freezes: readonly Freeze[] }) {
  const accounts = useAccounts()
  const tokens = useTokens()
  const names = new Map([
    ...(accounts.data?.items ?? []).map(({ id, name }) => [id, name] as const),
    ...(tokens.data?.items ?? []).map(({ id, name }) => [id, name] as const),
  ])
  return (
    <>
      {freezes.slice(0, mostShown).map(freeze => (
        <Stop key={freeze.id} freeze={freeze} names={names} />
      ))}
      {freezes.length > mostShown && <Banner tone="bad">{freezes.length - mostShown} more stops are active.</Banner>}
    </>
  )
}

function Stop({ freeze, names }: { freeze: Freeze; names: ReadonlyMap<string, string> }) {
  const lift = useLift()
  const mayLift = useMay('dashboard:operate')
  const { id, by, at, reason, reads } = freeze
  return (
    <Banner
      tone="bad"
      actions={
        mayLift && (
          <Button size="sm" className="max-md:min-h-11" isBusy={lift.isPending} onClick={() => lift.mutate(id)}>
            Lift the stop
          </Button>
        )
      }
    >
      <strong className="font-semibold">{nameOf(freeze, names)}</strong>
      {reads === 'stop' && ', also reading'}. Stopped by <bdi>{by.name}</bdi> <RelativeTime at={at} />
      {reason !== null && `: ${visibleText(reason)}`}
      {lift.error && <span className="block text-bad">{lift.error.message}</span>}
    </Banner>
  )
}

function nameOf({ target, principal, account_id: accountId }: Freeze, names: ReadonlyMap<string, string>): string {
  if (target === 'everything') return 'All programs are stopped'
  if (target === 'account') return `The account ${names.get(accountId ?? '') ?? accountId} is stopped`
  if (principal === 'api_key') return 'The API key is stopped'
  return `The token ${names.get(principal ?? '') ?? principal} is stopped`
}
