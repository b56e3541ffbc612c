/** Actions of a row: common ones as icons in a table or labelled buttons in a card, rare ones in a menu. */
import { Button } from './button.tsx'
import { IconButton } from './icon-button.tsx'
import { type Action, MoreActions } from './more-actions.tsx'

export interface RowAction extends Action {
  isRare?: boolean
}

/**
 * The actions of one row.
 * @param subject Names the row, for screen readers.
 */
export function RowActions({ subject, actions }: { subject: string; actions: readonly RowAction[] }) {
  const rare = actions.filter(({ isRare }) => isRare)
  return (
    <span className="inline-flex justify-end stacked:flex-wrap stacked:justify-start stacked:gap-2">
      {actions
        .filter(({ isRare }) => !isRare)
        .map(({ label, icon, disabled, onChoose }) => (
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
      {rare.length > 0 && (
        <>
          <span className="stacked:hidden">
            <MoreActions isIcon subject={subject} actions={rare} />
          </span>
          <span className="hidden stacked:inline">
            <MoreActions subject={subject} actions={rare} />
          </span>
        </>
      )}
    </span>
  )
}
