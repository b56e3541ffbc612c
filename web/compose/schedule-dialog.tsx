/** When a message is to leave, in the time of this computer. */
import { useId, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Field, Input } from '../ui/field.tsx'
import { localValue } from './local-time.ts'

const hourMs = 3_600_000
const yearMs = 365 * 24 * hourMs

export function ScheduleDialog({ onChoose, onClose }: { onChoose(at: Date): void; onClose(): void }) {
  const id = useId()
  const [opened] = useState(() => Date.now())
  const [value, setValue] = useState(() => localValue(new Date(opened + hourMs)))
  const [fault, setFault] = useState<string>()
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  const submit = () => {
    const at = new Date(value)
    if (Number.isNaN(at.getTime())) return setFault('Enter a day and a time.')
    if (at.getTime() <= Date.now()) return setFault('This time is past.')
    if (at.getTime() > Date.now() + yearMs) return setFault('At most a year ahead.')
    onChoose(at)
  }
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title="Send later"
      size="sm"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" type="submit" form={id}>
            Schedule
          </Button>
        </>
      }
    >
      <form
        id={id}
        noValidate
        onSubmit={event => {
          event.preventDefault()
          submit()
        }}
      >
        <Field label="Send at" hint={`${zone}. Until then it can be cancelled in the outbox.`} error={fault}>
          <Input
            type="datetime-local"
            value={value}
            min={localValue(new Date(opened))}
            onChange={event => {
              setValue(event.target.value)
              setFault(undefined)
            }}
          />
        </Field>
      </form>
    </Dialog>
  )
}
