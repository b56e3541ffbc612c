/** The limits of an answer, a conversation and a user. */
import { type FormEvent, useState } from 'react'
import type { AssistantLimits } from '../../contract/assistant-settings.ts'
import { ApiProblem } from '../platform/api-client.ts'
import { Button } from '../ui/button.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { Field, Input } from '../ui/field.tsx'
import { useChangeSettings } from './use-assistant-settings.ts'

const fields: readonly { name: keyof AssistantLimits; label: string; hint: string; mayBeEmpty?: boolean }[] = [
  { name: 'temperature', label: 'Temperature', hint: 'Empty: the model’s own.', mayBeEmpty: true },
  { name: 'max_output_tokens', label: 'Tokens per step', hint: 'What the model may write per step.' },
  { name: 'max_steps', label: 'Steps per answer', hint: 'Rounds of tool calls.' },
  { name: 'max_seconds', label: 'Seconds per answer', hint: 'Not counting waits for you.' },
  { name: 'conversation_tokens', label: 'Tokens per conversation', hint: 'In and out.' },
  {
    ...{ name: 'conversation_cost_usd', label: 'Cost per conversation' },
    ...{ hint: 'US dollars. Empty: no limit.', mayBeEmpty: true },
  },
  { name: 'principal_tokens_per_day', label: 'Tokens per user and day', hint: 'In and out.' },
  {
    ...{ name: 'principal_cost_usd_per_day', label: 'Cost per user and day' },
    ...{ hint: 'US dollars. Empty: no limit.', mayBeEmpty: true },
  },
  { name: 'retention_days', label: 'Keep conversations for (days)', hint: 'Counted from their last message.' },
]

export function LimitsForm({ limits }: { limits: AssistantLimits }) {
  const [values, setValues] = useState(() => new Map(fields.map(({ name }) => [name, String(limits[name] ?? '')])))
  const { mutate, isPending, error } = useChangeSettings()
  const faultOf = (name: string) => (error instanceof ApiProblem ? error.faultOf(`body.limits.${name}`) : undefined)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const entries = fields.map(({ name, mayBeEmpty }) => {
      const text = values.get(name)?.trim().replace(',', '.') ?? ''
      // An empty required field is sent as 0, so that the server reports the error at the field.
      return [name, text === '' && mayBeEmpty ? null : text === '' ? 0 : Number(text)]
    })
    if (!isPending) mutate({ limits: Object.fromEntries(entries) as AssistantLimits })
  }
  return (
    <form noValidate autoComplete="off" onSubmit={submit} className="grid max-w-4xl gap-4">
      <div className="grid gap-3 sm:grid-cols-2 lg:grid-cols-3">
        {fields.map(({ name, label, hint, mayBeEmpty = false }) => (
          <Field key={name} label={label} hint={hint} isOptional={mayBeEmpty} error={faultOf(name)}>
            <Input
              value={values.get(name) ?? ''}
              inputMode="decimal"
              onChange={({ target }) => setValues(new Map(values).set(name, target.value))}
            />
          </Field>
        ))}
      </div>
      {error && <ErrorNote error={error} />}
      <div>
        <Button variant="primary" type="submit" isBusy={isPending}>
          Save limits
        </Button>
      </div>
    </form>
  )
}
