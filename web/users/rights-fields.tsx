/** The role and accounts of a user. */
import type { AccountAccess, Role } from '../../contract/access.ts'
import { AccountChecks } from '../accounts/account-checks.tsx'
import { roleWords } from '../platform/role-words.ts'
import { Radios } from '../ui/choice.tsx'

const roles: readonly Role[] = ['viewer', 'operator', 'administrator']

export interface Rights {
  role: Role
  accounts: AccountAccess
}

export function RightsFields({
  rights,
  isLast = false,
  accountsFault,
  onChange,
}: {
  rights: Rights
  /** Whether this is the last administrator. */
  isLast?: boolean
  accountsFault?: string | undefined
  onChange(rights: Rights): void
}) {
  const { role, accounts } = rights
  return (
    <>
      <div className="grid gap-1">
        <Radios
          legend="Role"
          value={role}
          choices={roles.map(value => ({ value, label: roleWords[value].label, hint: roleWords[value].may }))}
          disabled={isLast}
          onChange={chosen => onChange({ ...rights, role: chosen })}
        />
        {isLast && (
          <p className="text-xs text-warn">
            The last administrator cannot be demoted. Make another user an administrator first.
          </p>
        )}
      </div>
      {role === 'administrator' ? (
        <p className="text-sm text-soft">Administrators see all accounts.</p>
      ) : (
        <AccountChecks
          mayBeAll
          value={accounts}
          hint={accounts !== 'all' && accounts.length === 0 ? 'With none selected, no mail is visible.' : undefined}
          error={accountsFault}
          onChange={chosen => onChange({ ...rights, accounts: chosen })}
        />
      )}
    </>
  )
}
