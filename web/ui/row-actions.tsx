/** What can be done to one row: icons in a table, buttons with words where rows are cards. */
import type { LucideIcon } from 'lucide-react'
import { Button } from './button.tsx'
import { IconButton } from './icon-button.tsx'

export interface RowAction {
  label: string
  icon: LucideIcon
  disabled?: boolean
  onChoose(): void
}

/** @param subject The row, for those who hear only the button. */
export function RowActions({ subject, actions }: { subject: string; actions: readonly RowAction[] }) {
  return (
    <span className="inline-flex justify-end stacked:flex-wrap stacked:justify-start stacked:gap-2">
      {actions.map(({ label, icon, disabled, onChoose }) => (
        <span key={label}>
          <span className="stacked:hidden">
            <IconButton icon={icon} label={`${label}: ${subject}`} disabled={disabled} onClick={onChoose} />
          </span>
          <span className="hidden stacked:inline">
            <Button size="sm" icon={icon} disabled={disabled} onClick={onChoose}>
              {label}
              <span className="sr-only">: {subject}</span>
            </Button>
          </span>
        </span>
      ))}
    </span>
  )
}
