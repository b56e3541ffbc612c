/** How a rule aggregates values, what it compares them with, and for how long. */
import { useId } from 'react'
import type { HistorySeries } from '../../contract/history.ts'
import { Field, Input, Select } from '../ui/field.tsx'
import { fitting, type RuleDraft, unitOf } from './rule-draft.ts'
import type { RuleFields } from './rule-fields.ts'
import { unitWords } from './rule-figures.ts'

const aggregations: Record<RuleDraft['aggregation'], string> = {
  mean: 'Mean',
  min: 'Lowest',
  max: 'Highest',
  sum: 'Sum',
  per_minute: 'Rate per minute',
  p50: 'Median (p50)',
  p95: '95th percentile',
  p99: '99th percentile',
}
const lengths = ['15 s', '30 s', '1 min', '5 min', '10 min', '30 min', '1 h', '6 h', '24 h']

export function ThresholdFields({ fields, series }: { fields: RuleFields; series: readonly HistorySeries[] }) {
  const { draft, known, change, faultOf } = fields
  const list = useId()
  const unit = unitOf(draft, known.unit)
  const words = unitWords(unit, draft.aggregation === 'per_minute')
  const isShare = draft.measure === 'share'
  const text = (
    name: 'window' | 'wait' | 'keep' | 'threshold' | 'clear' | 'shareAtLeast' | 'usualDays' | 'usualAtLeast',
  ) => ({
    name,
    value: draft[name],
    maxLength: 30,
    autoComplete: 'off',
    spellCheck: false,
    onChange: (event: { target: { value: string } }) => change({ [name]: event.target.value }),
  })
  const counts = series.filter(({ kind }) => kind === 'count')
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <datalist id={list}>
        {lengths.map(each => (
          <option key={each} value={each} />
        ))}
      </datalist>
      <Field label="Value" error={faultOf('aggregation')}>
        <Select
          value={isShare ? 'sum' : draft.aggregation}
          disabled={isShare}
          onChange={event => change({ aggregation: event.target.value as RuleDraft['aggregation'] })}
        >
          {fitting[known.kind].map(each => (
            <option key={each} value={each}>
              {aggregations[each]}
            </option>
          ))}
        </Select>
      </Field>
      <Field label="Taken over" error={faultOf('window')}>
        <Input list={list} {...text('window')} />
      </Field>
      <Field label="Measured by" error={faultOf('measure')}>
        <Select
          value={draft.measure}
          onChange={event => change({ measure: event.target.value as RuleDraft['measure'] })}
        >
          <option value="value">The value itself</option>
          {known.kind === 'count' && <option value="share">Its share of another count</option>}
          <option value="usual">A multiple of what is usual</option>
        </Select>
      </Field>
      {isShare && (
        <>
          <Field label="Share of">
            <Select value={draft.shareSeries} onChange={event => change({ shareSeries: event.target.value })}>
              {counts.map(({ name, description }) => (
                <option key={name} value={name}>
                  {description}
                </option>
              ))}
            </Select>
          </Field>
          <Field
            label="Only if that is at least"
            hint="A share of a small number means little."
            error={faultOf('shareAtLeast')}
          >
            <Input inputMode="decimal" {...text('shareAtLeast')} />
          </Field>
        </>
      )}
      {draft.measure === 'usual' && (
        <>
          <Field
            label="Days to learn from"
            hint="The median of each day’s highest value, up to the day before yesterday."
            error={faultOf('usualDays')}
          >
            <Input inputMode="numeric" {...text('usualDays')} />
          </Field>
          <Field
            label="Never less than"
            hint="So that small numbers do not count as unusual."
            error={faultOf('usualAtLeast')}
          >
            <Input inputMode="decimal" {...text('usualAtLeast')} />
          </Field>
        </>
      )}
      <Field label="Fires when the value is" error={faultOf('comparison')}>
        <Select
          value={draft.comparison}
          onChange={event => change({ comparison: event.target.value as RuleDraft['comparison'] })}
        >
          <option value="above">above</option>
          <option value="below">below</option>
        </Select>
      </Field>
      <Field label="Threshold" hint={words} error={faultOf('threshold')}>
        <Input inputMode="decimal" {...text('threshold')} />
      </Field>
      <Field label="For" hint="How long this must last before it fires." error={faultOf('wait')}>
        <Input list={list} {...text('wait')} />
      </Field>
      <Field
        label="Clears at"
        isOptional
        hint="The threshold if empty. A gap between the two keeps it from flapping."
        error={faultOf('clear')}
      >
        <Input inputMode="decimal" {...text('clear')} />
      </Field>
      <Field label="Clears after" hint="How long it must be back to normal before it clears." error={faultOf('keep')}>
        <Input list={list} {...text('keep')} />
      </Field>
      <Field label="Without data" error={faultOf('noData')}>
        <Select value={draft.noData} onChange={event => change({ noData: event.target.value as RuleDraft['noData'] })}>
          <option value="keep">Keep state for 10 minutes</option>
          <option value="ok">OK</option>
          <option value="alert">Fire</option>
        </Select>
      </Field>
    </div>
  )
}
