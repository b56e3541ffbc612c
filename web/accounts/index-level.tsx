/** How much of an account's mail is indexed; users who may change accounts can choose it. */
import { useQueryClient } from '@tanstack/react-query'
import type { Account, IndexLevel } from '../../contract/accounts.ts'
import type { IndexStatus } from '../../contract/mail-index.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { ErrorNote } from '../ui/error-state.tsx'
import { Field, Select } from '../ui/field.tsx'
import { useChangeAccount, useRights } from './use-accounts.ts'

export const levelWords: Record<IndexLevel, string> = { off: 'Nothing', headers: 'Headers', text: 'Headers and text' }

/** The value of the default; no level has this name. */
const byDefault = ''

export function IndexLevelField({ account, status }: { account: Account; status: IndexStatus }) {
  const { mayChange } = useRights()
  const queries = useQueryClient()
  const { mutate, isPending, error } = useChangeAccount(account)
  if (!mayChange) return null
  const choose = (value: string) => {
    const level = value === byDefault ? null : (value as IndexLevel)
    const queryKey = queryKeys.index(account.id)
    mutate(
      { change: { index_level: level }, said: 'Index level changed' },
      { onSuccess: () => void queries.invalidateQueries({ queryKey }) },
    )
  }
  return (
    <div className="grid max-w-md gap-2">
      <Field
        label="What is indexed"
        hint="Takes effect immediately. A lower level deletes what is no longer indexed; all mail stays on the mail server."
      >
        <Select
          value={account.index_level ?? byDefault}
          disabled={isPending}
          onChange={event => choose(event.target.value)}
        >
          <option value={byDefault}>Default: {levelWords[status.default_level].toLowerCase()}</option>
          {(Object.keys(levelWords) as IndexLevel[]).map(level => (
            <option key={level} value={level}>
              {levelWords[level]}
            </option>
          ))}
        </Select>
      </Field>
      {error && <ErrorNote error={error} />}
    </div>
  )
}
