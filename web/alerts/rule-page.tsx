/** The page of one rule: a new one, a copy, or an existing one. */
import { useState } from 'react'
import { useLocation, useParams, useSearch } from 'wouter'
import type { AlertRule } from '../../contract/alerts.ts'
import type { HistorySeries } from '../../contract/history.ts'
import { Button, ButtonLink } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorState } from '../ui/error-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { type OpenRuleDialog, RuleDialog } from './rule-dialogs.tsx'
import { draftOf, emptyDraft, type RuleDraft, withSeries } from './rule-draft.ts'
import { RuleForm } from './rule-form.tsx'
import { bodyOf, useAlertRules, useMayChangeRules, useSeries } from './use-alerts.ts'

export function RulePage() {
  const { id = 'new' } = useParams<{ id: string }>()
  const search = new URLSearchParams(useSearch())
  const mayChange = useMayChangeRules()
  const rules = useAlertRules()
  const series = useSeries()
  const isNew = id === 'new'
  const copied = search.get('copy')
  const rule = rules.data?.items.find(each => each.id === (isNew ? copied : id))
  const error = rules.error ?? series.error
  const title = isNew ? 'New rule' : (rule?.name ?? 'Rule')
  const isLoaded = rules.data && series.data
  const first = isLoaded && series.data.items[0]
  return (
    <>
      <PageHeader
        title={title}
        description="What is watched, when it fires, and what it would have done."
        actions={
          <>
            {!isNew && rule && mayChange && <RuleActions rule={rule} />}
            <ButtonLink href="/alerts/rules">All rules</ButtonLink>
          </>
        }
      />
      {!isLoaded && !error && <Skeleton className="h-96 w-full" />}
      {!isLoaded && error && (
        <Card>
          <ErrorState error={error} onRetry={() => void Promise.all([rules.refetch(), series.refetch()])} />
        </Card>
      )}
      {isLoaded && !mayChange && (
        <Card>
          <EmptyState title="Only administrators with access to all accounts can change rules" />
        </Card>
      )}
      {isLoaded && mayChange && !isNew && !rule && (
        <Card>
          <EmptyState title="No such rule" actions={<ButtonLink href="/alerts/rules">All rules</ButtonLink>} />
        </Card>
      )}
      {first && mayChange && (isNew || rule) && (
        <RuleForm
          key={`${id} ${copied} ${rule?.changed_at}`}
          ruleId={isNew ? undefined : id}
          initial={initialOf(rule, isNew, series.data.items, search.get('series'))}
          series={series.data.items}
        />
      )}
    </>
  )
}

function initialOf(
  rule: AlertRule | undefined,
  isNew: boolean,
  series: readonly HistorySeries[],
  wanted: string | null,
): RuleDraft {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  if (!rule) {
    const known = series.find(({ name }) => name === wanted)
    return known ? withSeries(emptyDraft(zone), known) : emptyDraft(zone)
  }
  const unit = series.find(({ name }) => name === rule.series)?.unit ?? 'count'
  const draft = draftOf(bodyOf(rule), unit, zone)
  return isNew ? { ...draft, name: `${draft.name.slice(0, 93)}, copy` } : draft
}

function RuleActions({ rule }: { rule: AlertRule }) {
  const [dialog, setDialog] = useState<OpenRuleDialog>()
  const [, navigate] = useLocation()
  return (
    <>
      <ButtonLink href={`/alerts/rules/new?copy=${rule.id}`}>Duplicate</ButtonLink>
      {rule.is_changed && <Button onClick={() => setDialog('reset')}>Reset</Button>}
      <Button onClick={() => setDialog('delete')}>Delete</Button>
      {dialog && (
        <RuleDialog
          kind={dialog}
          rule={rule}
          onClose={() => setDialog(undefined)}
          onDone={() => (dialog === 'delete' ? navigate('/alerts/rules') : setDialog(undefined))}
        />
      )}
    </>
  )
}
