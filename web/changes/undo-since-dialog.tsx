/** Undoes everything that a caller did since a time: choose both, preview, then undo. */
import { useState } from 'react'
import type { Account } from '../../contract/accounts.ts'
import type { Operation } from '../../contract/operations.ts'
import { zoneAt } from '../analytics/time-labels.ts'
import { toLocal, toTimestamp } from '../audit/audit-view.ts'
import { formatMinute } from '../platform/format.ts'
import { useLiveStatus } from '../platform/live.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Field, Input, NamedOptions, Select } from '../ui/field.tsx'
import { PrincipalSelect } from './changes-filter.tsx'
import { UndoDialog } from './undo-dialog.tsx'
import type { UndoTarget } from './use-operations.ts'

const hourMs = 3_600_000
const ranges = [
  { label: 'Last hour', ms: hourMs },
  { label: 'Last day', ms: 24 * hourMs },
  { label: 'Last week', ms: 7 * 24 * hourMs },
] as const

export function UndoSinceDialog({
  principals,
  accounts,
  principal,
  onClose,
}: {
  principals: readonly Operation['principal'][]
  accounts: readonly Account[]
  /** The preselected caller; empty for none. */
  principal: string
  onClose(): void
}) {
  const { clockOffsetMs } = useLiveStatus()
  const ago = (ms: number) => new Date(Date.now() + clockOffsetMs - ms).toISOString()
  const [whose, setWhose] = useState(principal)
  const [since, setSince] = useState(() => toLocal(ago(hourMs)))
  const [account, setAccount] = useState('')
  const [target, setTarget] = useState<Extract<UndoTarget, { since: string }>>()
  const name = principals.find(({ id }) => id === whose)?.name ?? whose
  const from = toTimestamp(since)
  if (target) {
    return (
      <UndoDialog
        key={target.before ?? ''}
        title={`Undo what ${name} did since ${formatMinute(Date.parse(target.since))}`}
        target={target}
        onOlder={before => setTarget({ ...target, before })}
        onClose={onClose}
      />
    )
  }
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title="Undo everything since…"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            variant="primary"
            disabled={whose === '' || from === ''}
            onClick={() => setTarget({ principal: whose, since: from, ...(account !== '' && { account_id: account }) })}
          >
            Show what would change
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <p className="text-sm text-soft">
          You see a list first. Nothing is changed until you confirm it, and what someone changed since is left as it
          is.
        </p>
        <Field label="Whose changes">
          <PrincipalSelect value={whose} principals={principals} anyone="Choose" onChange={setWhose} />
        </Field>
        <Field label={`Since, ${zoneAt(Date.now())}`}>
          <Input type="datetime-local" value={since} onChange={event => setSince(event.target.value)} />
        </Field>
        <p className="flex flex-wrap gap-2">
          {ranges.map(({ label, ms }) => (
            <Button key={label} size="sm" onClick={() => setSince(toLocal(ago(ms)))}>
              {label}
            </Button>
          ))}
        </p>
        <Field label="Account">
          <Select value={account} onChange={event => setAccount(event.target.value)}>
            <option value="">All accounts</option>
            <NamedOptions items={accounts} />
          </Select>
        </Field>
      </div>
    </Dialog>
  )
}
