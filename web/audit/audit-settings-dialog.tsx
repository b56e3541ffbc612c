/** What the audit trail records, and how long it is kept. */
import { useId, useState } from 'react'
import schema from '../../contract/AuditSettings.schema'
import type { AuditSettings } from '../../contract/audit.ts'
import { formatNumber } from '../platform/format.ts'
import { Button } from '../ui/button.tsx'
import { Radios } from '../ui/choice.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNote, ErrorState } from '../ui/error-state.tsx'
import { Field, Input } from '../ui/field.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { type Faults, useForm } from '../ui/use-form.ts'
import { readsWords } from './audit-view.ts'
import { useAuditSettings, useChangeAuditSettings } from './use-audit.ts'

type Bound = 'keep_days' | 'keep_entries'
type Reads = AuditSettings['reads']

const reads = Object.keys(readsWords) as Reads[]

/** The dialog; mount it while it is open. */
export function AuditSettingsDialog({ onClose }: { onClose(): void }) {
  const { data, error, refetch } = useAuditSettings()
  const formId = useId()
  const saving = useChangeAuditSettings()
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title="What the trail records"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" type="submit" form={formId} disabled={!data} isBusy={saving.isPending}>
            Save
          </Button>
        </>
      }
    >
      {data && <SettingsForm id={formId} settings={data} saving={saving} onSaved={onClose} />}
      {!data && error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <SkeletonRows count={3} />}
    </Dialog>
  )
}

function SettingsForm({
  id,
  settings,
  saving: { mutate, isPending, error },
  onSaved,
}: {
  id: string
  settings: AuditSettings
  saving: ReturnType<typeof useChangeAuditSettings>
  onSaved(): void
}) {
  const [chosen, setChosen] = useState<Reads>(settings.reads)
  const { form, bind, faultOf, note } = useForm<Bound>({
    initial: { keep_days: `${settings.keep_days}`, keep_entries: `${settings.keep_entries}` },
    check,
    error,
    isFocused: false,
    onSubmit: values => {
      if (isPending) return
      const body = { reads: chosen, keep_days: Number(values.keep_days), keep_entries: Number(values.keep_entries) }
      mutate(body, { onSuccess: onSaved })
    },
  })
  return (
    <form {...form} id={id} autoComplete="off" className="grid gap-4">
      {note && <ErrorNote error={note} />}
      <div className="grid gap-1">
        <Radios<Reads>
          legend="Reads to record"
          value={chosen}
          choices={reads.map(value => ({ value, ...readsWords[value] }))}
          onChange={setChosen}
        />
        <p className="text-xs text-muted">Changes and rejected requests are always recorded.</p>
      </div>
      <div className="grid gap-3 sm:grid-cols-2">
        <Field label="Keep for (days)" hint={rangeWords('keep_days')} error={faultOf('keep_days')}>
          <Input {...bind('keep_days')} inputMode="numeric" autoComplete="off" />
        </Field>
        <Field label="Maximum entries" hint={rangeWords('keep_entries')} error={faultOf('keep_entries')}>
          <Input {...bind('keep_entries')} inputMode="numeric" autoComplete="off" />
        </Field>
      </div>
      <p className="text-sm text-soft">
        Entries are removed, oldest first, when either limit is reached. Removals are recorded, too. Export the entries
        that you need first.
      </p>
    </form>
  )
}

function check(values: Record<Bound, string>): Faults<Bound> {
  const faulty = (['keep_days', 'keep_entries'] as const).filter(name => {
    const { min, max } = limitsOf(name)
    const value = Number(values[name])
    return !/^\d+$/.test(values[name].trim()) || value < min || value > max
  })
  return Object.fromEntries(faulty.map(name => [name, `Must be a whole number. ${rangeWords(name)}`]))
}

function rangeWords(name: Bound): string {
  const { min, max } = limitsOf(name)
  return `${formatNumber(min)} to ${formatNumber(max)}.`
}

function limitsOf(name: Bound): { min: number; max: number } {
  const { minimum = 1, maximum = Number.MAX_SAFE_INTEGER } = schema.properties[name] ?? {}
  return { min: minimum, max: maximum }
}
