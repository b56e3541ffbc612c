/** The form of a rule, with a back-test that follows the input. */
import { type FormEvent, useEffect, useRef, useState } from 'react'
import { useLocation } from 'wouter'
import type { HistorySeries } from '../../contract/history.ts'
import { ApiProblem } from '../platform/api-client.ts'
import { useUnsaved } from '../platform/unsaved.ts'
import { Button, ButtonLink } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { Field, Input, Select, Switch, WordOptions } from '../ui/field.tsx'
import { useToast } from '../ui/toast.tsx'
import { BackTestView } from './back-test-view.tsx'
import { QuietFields } from './quiet-fields.tsx'
import { faultsOfServer, type RuleDraft, type RuleFaults, ruleOf, withSeries } from './rule-draft.ts'
import type { RuleFields } from './rule-fields.ts'
import { ScopeFields } from './scope-fields.tsx'
import { ThresholdFields } from './threshold-fields.tsx'
import { useSaveRule } from './use-alerts.ts'

const severities = { info: 'Info', warning: 'Warning', critical: 'Critical' } as const

/** @param ruleId Undefined for a new rule. */
export function RuleForm({
  ruleId,
  initial,
  series,
}: {
  ruleId: string | undefined
  initial: RuleDraft
  series: readonly HistorySeries[]
}) {
  const [draft, setDraft] = useState(initial)
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set())
  const [attempt, setAttempt] = useState(0)
  const element = useRef<HTMLFormElement>(null)
  const [, navigate] = useLocation()
  const toast = useToast()
  const save = useSaveRule(ruleId)
  const leave = useUnsaved(touched.size > 0)
  const known = series.find(({ name }) => name === draft.series) ?? series[0]!
  const { rule, faults } = ruleOf(draft, known)
  const said: RuleFaults = save.error instanceof ApiProblem ? faultsOfServer(save.error.body.errors) : {}
  const fields: RuleFields = {
    draft,
    known,
    change: change => {
      setDraft(before => ({ ...before, ...change }))
      setTouched(before => new Set([...before, ...Object.keys(change)]))
      // The server's errors described the rule before this edit.
      if (save.error) save.reset()
    },
    faultOf: field =>
      said[field] ??
      (attempt > 0 || touched.has(field.split('.')[0] === 'scope' ? 'scopes' : field) ? faults[field] : undefined),
  }
  const failedAt = save.error && Object.keys(said).length > 0 ? save.submittedAt : 0
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs once per submit
  useEffect(() => {
    if (attempt > 0) element.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }, [attempt, failedAt])
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setAttempt(before => before + 1)
    if (!rule) return
    save.mutate(rule, {
      onSuccess: () => {
        toast({ tone: 'good', title: ruleId === undefined ? 'Rule created' : 'Rule saved' })
        leave()
        navigate('/alerts/rules')
      },
    })
  }
  // A rule without a name can be tested, too.
  const tried = rule ?? ruleOf({ ...draft, name: draft.name || 'New' }, known).rule
  return (
    <form
      ref={element}
      noValidate
      onSubmit={submit}
      className="grid items-start gap-4 @min-[60rem]/page:grid-cols-[minmax(0,5fr)_minmax(0,4fr)]"
    >
      <div className="grid min-w-0 gap-4">
        <Card title="What is watched">
          <div className="grid gap-4 sm:grid-cols-2">
            <Field label="Name" error={fields.faultOf('name')}>
              <Input
                name="name"
                value={draft.name}
                maxLength={100}
                autoComplete="off"
                onChange={event => fields.change({ name: event.target.value })}
              />
            </Field>
            <Field label="Severity">
              <Select
                value={draft.severity}
                onChange={event => fields.change({ severity: event.target.value as RuleDraft['severity'] })}
              >
                <WordOptions words={severities} />
              </Select>
            </Field>
            <div className="sm:col-span-2">
              <Field label="Series" hint={known.description} error={fields.faultOf('series')}>
                <Select
                  value={known.name}
                  onChange={event => {
                    const next = series.find(({ name }) => name === event.target.value)
                    if (next) fields.change(changedBy(draft, withSeries(draft, next)))
                  }}
                >
                  {series.map(({ name, description }) => (
                    <option key={name} value={name}>
                      {`${name}: ${description}`}
                    </option>
                  ))}
                </Select>
              </Field>
            </div>
          </div>
          <ScopeFields fields={fields} />
        </Card>
        <Card title="When it fires">
          <ThresholdFields fields={fields} series={series} />
        </Card>
        <Card title="Quiet hours">
          <QuietFields fields={fields} />
        </Card>
        <Switch
          label="Enabled"
          hint="A disabled rule raises no alerts, and its open ones are cleared."
          isOn={draft.enabled}
          onChange={enabled => fields.change({ enabled })}
        />
        {save.error && Object.keys(said).length === 0 && <ErrorNote error={save.error} />}
        <div className="flex flex-wrap gap-2">
          <Button type="submit" variant="primary" isBusy={save.isPending}>
            {ruleId === undefined ? 'Create the rule' : 'Save the rule'}
          </Button>
          <ButtonLink href="/alerts/rules">Cancel</ButtonLink>
        </div>
      </div>
      <div className="min-w-0 @min-[60rem]/page:sticky @min-[60rem]/page:top-17">
        <Card title="What it would have done">
          <BackTestView rule={tried} unit={known.unit} />
        </Card>
      </div>
    </form>
  )
}

/** Fields that a new series changed were not edited by the user; their errors show only on submit. */
function changedBy(before: RuleDraft, after: RuleDraft): Partial<RuleDraft> {
  const { threshold, clear, ...rest } = after
  return before.threshold === threshold && before.clear === clear ? rest : after
}
