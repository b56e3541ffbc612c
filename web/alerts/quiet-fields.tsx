/** The quiet hours of a rule, in which alerts are listed but not sent. */
import { Checkbox } from '../ui/choice.tsx'
import { Field, Input, Switch } from '../ui/field.tsx'
import type { RuleFields } from './rule-fields.ts'

const days = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const

export function QuietFields({ fields: { draft, change, faultOf } }: { fields: RuleFields }) {
  const fault = faultOf('quietDays')
  const zones = Intl.supportedValuesOf?.('timeZone') ?? []
  return (
    <div className="grid gap-4">
      <Switch
        label="Quiet at some hours"
        hint="Alerts raised then are listed and marked quiet, but nobody is notified."
        isOn={draft.isQuiet}
        onChange={isQuiet => change({ isQuiet })}
      />
      {draft.isQuiet && (
        <>
          <fieldset>
            <legend className="mb-1 text-sm font-medium">Days</legend>
            <div className="flex flex-wrap gap-x-4">
              {days.map((name, index) => (
                <Checkbox
                  key={name}
                  label={name}
                  isChecked={draft.quietDays.includes(index + 1)}
                  onChange={isChecked => {
                    const others = draft.quietDays.filter(day => day !== index + 1)
                    change({ quietDays: isChecked ? [...others, index + 1].sort() : others })
                  }}
                />
              ))}
            </div>
            {fault && (
              <p role="alert" className="text-xs font-medium text-bad">
                {fault}
              </p>
            )}
          </fieldset>
          <div className="grid gap-4 sm:grid-cols-3">
            <Field label="From" error={faultOf('quietFrom')}>
              <Input
                type="time"
                value={draft.quietFrom}
                onChange={event => change({ quietFrom: event.target.value })}
              />
            </Field>
            <Field label="To" hint="An earlier time than “From” is on the next day." error={faultOf('quietTo')}>
              <Input type="time" value={draft.quietTo} onChange={event => change({ quietTo: event.target.value })} />
            </Field>
            <Field label="Time zone" error={faultOf('timeZone')}>
              <Input
                list="time-zones"
                value={draft.timeZone}
                maxLength={60}
                autoComplete="off"
                spellCheck={false}
                onChange={event => change({ timeZone: event.target.value })}
              />
              <datalist id="time-zones">
                {zones.map(zone => (
                  <option key={zone} value={zone} />
                ))}
              </datalist>
            </Field>
          </div>
        </>
      )}
    </div>
  )
}
