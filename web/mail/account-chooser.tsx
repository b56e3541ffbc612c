/** Whose mail is shown. */
import { useLocation } from 'wouter'
import type { Account } from '../../contract/accounts.ts'
import { Badge } from '../ui/badge.tsx'
import { Select } from '../ui/field.tsx'
import type { useMailView } from './use-mail-view.ts'

export function AccountChooser({
  accounts,
  account,
  at,
}: {
  accounts: readonly Account[]
  /** Undefined when the address names one that is not there. */
  account: Account | undefined
  at: ReturnType<typeof useMailView>
}) {
  const [, navigate] = useLocation()
  const choose = (id: string) => navigate(at.hrefTo({ account: id, folder: 'INBOX', q: '', message: '', pane: '' }))
  return (
    <>
      {account?.is_sandbox && <Badge tone="warn">Sandbox</Badge>}
      {accounts.length === 1 && account ? (
        <span className="text-sm text-soft">{account.email}</span>
      ) : (
        <div className="max-w-72 min-w-0">
          <Select aria-label="Account" value={account?.id ?? ''} onChange={event => choose(event.target.value)}>
            {!account && <option value="">Choose an account</option>}
            {accounts.map(each => (
              <option key={each.id} value={each.id}>
                {each.name === each.email ? each.email : `${each.name} (${each.email})`}
              </option>
            ))}
          </Select>
        </div>
      )}
    </>
  )
}
