/** Declines items of a proposal, with a reason for the proposer. */
import { useState } from 'react'
import type { ProposalDetail } from '../../contract/proposal.ts'
import { proposalBounds } from '../../contract/proposals.ts'
import { formatCount } from '../platform/format.ts'
import { visibleText } from '../platform/visible-text.ts'
import { Radios } from '../ui/choice.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { Field, Textarea } from '../ui/field.tsx'
import { FormDialog } from '../ui/form-dialog.tsx'
import { useToast } from '../ui/toast.tsx'
import type { ProposalView } from './use-proposal-view.ts'
import { type ChosenItem, useDeclineItems } from './use-proposals.ts'

type Which = 'all' | 'chosen' | 'others'

export function DeclineDialog({
  detail,
  view,
  onDone,
  onClose,
}: {
  detail: ProposalDetail
  view: ProposalView
  onDone(): void
  onClose(): void
}) {
  const [reason, setReason] = useState('')
  const [which, setWhich] = useState<Which>('all')
  const toast = useToast()
  const decline = useDeclineItems(detail.id, decision => {
    view.noteResults(decision, 'declined')
    const { results } = decision
    const done = results.filter(({ state }) => state === 'declined').length
    toast({ tone: done === results.length ? 'good' : 'warn', title: `Declined ${formatCount(done, 'item')}` })
    onClose()
    onDone()
  })
  const parts = partsOf(view)
  const items = parts[which]
  return (
    <FormDialog
      onClose={onClose}
      title={`Decline ${formatCount(items.length, 'item')}?`}
      size="sm"
      submitLabel="Decline"
      isDangerous
      isBusy={decline.isPending}
      isBlocked={items.length === 0}
      className="grid gap-3"
      onSubmit={() => decline.mutate({ items, reason: reason.trim() })}
    >
      <p className="text-sm text-soft">Nothing is changed. Declined items cannot be applied later.</p>
      {parts.chosen.length > 0 && parts.others.length > 0 && (
        <Radios<Which>
          legend="Which"
          value={which}
          choices={[
            { value: 'all', label: `All pending (${parts.all.length})` },
            { value: 'chosen', label: `Only those selected (${parts.chosen.length})` },
            { value: 'others', label: `Only those not selected (${parts.others.length})` },
          ]}
          onChange={setWhich}
        />
      )}
      <Field label="Reason" isOptional hint={`${visibleText(detail.proposes.name)} reads it.`}>
        <Textarea
          value={reason}
          onChange={event => setReason(event.target.value)}
          rows={3}
          maxLength={proposalBounds.reason}
          data-first-focus
        />
      </Field>
      {decline.error && <ErrorNote error={decline.error} />}
    </FormDialog>
  )
}

function partsOf({ waiting, selection: { chosen, known } }: ProposalView): Record<Which, ChosenItem[]> {
  const all = waiting.map(({ id, hash }) => ({ id, hash: known.get(id) ?? hash }))
  return {
    all,
    chosen: all.filter(({ id }) => chosen.has(id)),
    others: all.filter(({ id }) => !chosen.has(id)),
  }
}
