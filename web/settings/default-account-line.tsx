/** Which account the configuration speaks of. */
import { Link } from 'wouter'
import { stateWords } from '../accounts/account-words.ts'
import { Badge, StatePill } from '../ui/badge.tsx'
import { useDefaultAccount } from './use-configuration.ts'

export function DefaultAccountLine() {
  const account = useDefaultAccount()
  if (!account) return <p>The account that is marked as default.</p>
  const { tone, text } = stateWords[account.state]
  return (
    <div className="grid gap-1.5">
      <p>
        <span className="font-medium text-ink">{account.name}</span>
        {account.name !== account.email && <span className="block text-muted">{account.email}</span>}
      </p>
      <p className="flex flex-wrap gap-1.5">
        <StatePill tone={tone}>{text}</StatePill>
        {account.is_sandbox && <Badge tone="warn">Sandbox</Badge>}
      </p>
      <p className="text-xs">
        User, password and other accounts are under{' '}
        <Link href="/accounts" className="rounded-sm font-medium text-accent underline">
          Accounts
        </Link>
        .
      </p>
    </div>
  )
}
