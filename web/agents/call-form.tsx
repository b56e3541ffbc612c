/** The form of a tool, resource or prompt, generated from its schema, and the result of calling it. */
import { Play } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { FaultNote } from '../ui/error-state.tsx'
import { Field, Input, Select, Textarea } from '../ui/field.tsx'
import { CallResult } from './call-result.tsx'
import type { Came, Offer } from './offer.ts'
import { builtFrom, fieldsOf, type SchemaField, type Typed } from './schema-fields.ts'

export function CallForm({ offer }: { offer: Offer }) {
  const fields = fieldsOf(offer.schema)
  const [typed, setTyped] = useState<Typed>({})
  const [faults, setFaults] = useState<Record<string, string>>({})
  const [isBusy, setBusy] = useState(false)
  const [came, setCame] = useState<Came>()
  const [error, setError] = useState<string>()
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (isBusy) return
    const built = builtFrom(fields, typed)
    setFaults('faults' in built ? built.faults : {})
    if ('faults' in built) return
    setBusy(true)
    setError(undefined)
    const began = performance.now()
    try {
      const result = await offer.run(built.value)
      setCame({ result, ms: performance.now() - began })
    } catch (err) {
      setCame(undefined)
      setError(err instanceof Error ? err.message : String(err))
    } finally {
      setBusy(false)
    }
  }
  return (
    <div className="grid min-w-0 gap-4">
      <Card title={<code className="font-mono">{offer.name}</code>}>
        <form noValidate autoComplete="off" className="grid gap-3" onSubmit={event => void submit(event)}>
          {offer.description && <p className="text-sm text-soft wrap-anywhere">{offer.description}</p>}
          {fields.length > 0 && (
            <div className="grid gap-3 sm:grid-cols-2">
              {fields.map(field => (
                <SchemaInput
                  key={field.name}
                  field={field}
                  value={typed[field.name] ?? ''}
                  fault={faults[field.name]}
                  onChange={value => setTyped(before => ({ ...before, [field.name]: value }))}
                />
              ))}
            </div>
          )}
          <span>
            <Button type="submit" variant="primary" icon={Play} isBusy={isBusy}>
              {offer.act}
            </Button>
          </span>
        </form>
      </Card>
      {error !== undefined && <FaultNote title="The call failed" detail={error} />}
      {came && <CallResult came={came} />}
    </div>
  )
}

function SchemaInput({
  field: { name, kind, isRequired, hint, options },
  value,
  fault,
  onChange,
}: {
  field: SchemaField
  value: string
  fault: string | undefined
  onChange(value: string): void
}) {
  const shared = { value, spellCheck: false, autoCapitalize: 'none' as const }
  return (
    <Field label={name} isOptional={!isRequired} hint={hint || undefined} error={fault}>
      {kind === 'choice' || kind === 'boolean' ? (
        <Select value={value} onChange={event => onChange(event.target.value)}>
          <option value="">Default</option>
          {(kind === 'boolean' ? ['true', 'false'] : options).map(option => (
            <option key={option}>{option}</option>
          ))}
        </Select>
      ) : kind === 'lines' || kind === 'json' ? (
        <Textarea
          {...shared}
          rows={kind === 'json' ? 3 : 2}
          className="font-mono"
          placeholder={kind === 'json' ? 'JSON' : undefined}
          onChange={event => onChange(event.target.value)}
        />
      ) : (
        <Input
          {...shared}
          inputMode={kind === 'number' ? 'decimal' : undefined}
          onChange={event => onChange(event.target.value)}
        />
      )}
    </Field>
  )
}
