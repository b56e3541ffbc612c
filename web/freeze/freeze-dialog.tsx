/** Confirms a stop: what stops, and whether reading may continue. */
import { useState } from 'react'
import type { Freeze } from '../../contract/freezes.ts'
import { Radios } from '../ui/choice.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { Field, Input } from '../ui/field.tsx'
import { type FreezeTarget, useFreeze } from './use-freezes.ts'

const words: Record<Freeze['target'], (name: string) => string> = {
  everything: () => 'Within a second, no program sends or changes anything. People can keep working.',
  account: name =>
    `Within a second, nothing is sent from ${name} or changed in it, by programs or people. What waits is held.`,
  principal: name => `Within a second, ${name} sends and changes nothing more. What it has waiting is held.`,
}

export function FreezeDialog({ target, onClose }: { target: FreezeTarget; onClose(): void }) {
  const freeze = useFreeze(target)
  const [reads, setReads] = useState<Freeze['reads']>('allow')
  const [reason, setReason] = useState('')
  return (
    <ConfirmDialog
      isOpen
      title={target.target === 'everything' ? 'Stop all programs?' : `Stop ${target.name}?`}
      confirmLabel="Stop now"
      isBusy={freeze.isPending}
      error={freeze.error}
      onConfirm={() => freeze.mutate({ reads, reason: reason.trim() }, { onSuccess: onClose })}
      onClose={onClose}
    >
      <p className="text-sm wrap-anywhere">{words[target.target](target.name)} Only a user can lift the stop.</p>
      <Radios<Freeze['reads']>
        legend="Reading"
        value={reads}
        choices={[
          { value: 'allow', label: 'Continues' },
          { value: 'stop', label: 'Stops, too' },
        ]}
        onChange={setReads}
      />
      <Field label="Reason" isOptional>
        <Input value={reason} onChange={event => setReason(event.target.value)} maxLength={500} />
      </Field>
    </ConfirmDialog>
  )
}
