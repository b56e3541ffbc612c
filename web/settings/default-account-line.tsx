/** Names the default account, whose server the configuration describes. */
import { Link } from 'wouter'
import type { Account } from '../../contract/accounts.ts'
import { useStateWords } from '../accounts/use-state-words.ts'
import { Badge, StatePill } from '../ui/badge.tsx'
import { useDefaultAccount } from './use-configuration.ts'

export function DefaultAccountLine() {
  const account = useDefaultAccount()
  return account ? <AccountLine account={account} /> : <p>The account that is marked as default.</p>
}

function AccountLine({ account }: { account: Account }) {
  const { tone, text } = useStateWords(account)
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
