/** Asks when to send a message, in this computer's time zone. */
import { useState } from 'react'
import { Field, Input } from '../ui/field.tsx'
import { FormDialog } from '../ui/form-dialog.tsx'
import { localValue } from './local-time.ts'

const hourMs = 3_600_000
const yearMs = 365 * 24 * hourMs

export function ScheduleDialog({ onChoose, onClose }: { onChoose(at: Date): void; onClose(): void }) {
  const [opened] = useState(() => Date.now())
  const [value, setValue] = useState(() => localValue(new Date(opened + hourMs)))
  const [fault, setFault] = useState<string>()
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  const submit = () => {
    const at = new Date(value)
    if (Number.isNaN(at.getTime())) return setFault('Enter a day and a time.')
    if (at.getTime() <= Date.now()) return setFault('This time is in the past.')
    if (at.getTime() > Date.now() + yearMs) return setFault('At most a year ahead.')
    onChoose(at)
  }
  return (
    <FormDialog
      onClose={onClose}
      title="Send later"
      size="sm"
      submitLabel="Schedule"
      noValidate
      onSubmit={() => submit()}
    >
      <Field label="Send at" hint={`${zone}. Until then it can be cancelled in the outbox.`} error={fault}>
        <Input
          data-first-focus
          type="datetime-local"
          value={value}
          min={localValue(new Date(opened))}
          onChange={event => {
            setValue(event.target.value)
            setFault(undefined)
          }}
        />
      </Field>
    </FormDialog>
  )
}
