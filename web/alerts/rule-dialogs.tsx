/** Confirms that a rule is to be deleted or reset. */
import type { AlertRule } from '../../contract/alerts.ts'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { useDeleteRule, useResetRule } from './use-alerts.ts'

export type OpenRuleDialog = 'delete' | 'reset'

/** @param onDone Called after success; the dialog closes by default. */
export function RuleDialog({
  kind,
  rule: { id, name },
  onClose,
  onDone = onClose,
}: {
  kind: OpenRuleDialog
  rule: AlertRule
  onClose(): void
  onDone?: () => void
}) {
  const remove = useDeleteRule(id)
  const reset = useResetRule(id)
  const { mutate, isPending, error } = kind === 'delete' ? remove : reset
  return (
    <ConfirmDialog
      isOpen
      title={kind === 'delete' ? `Delete “${name}”?` : `Reset “${name}”?`}
      confirmLabel={kind === 'delete' ? 'Delete the rule' : 'Reset the rule'}
      isDangerous={kind === 'delete'}
      isBusy={isPending}
      error={error}
      onConfirm={() => mutate(undefined, { onSuccess: onDone })}
      onClose={onClose}
    >
      <p>
        {kind === 'delete'
          ? 'Its open alerts are cleared. Its past alerts stay in the log.'
          : 'Its original values are restored, and it is switched on.'}
      </p>
    </ConfirmDialog>
  )
}
