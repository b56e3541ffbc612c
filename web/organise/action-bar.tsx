/** Buttons for actions on messages: the selected ones, or the open one. */
import type { MailRow } from '../mail/mail-row.ts'
import { IconButton } from '../ui/icon-button.tsx'
import { MoreActions } from '../ui/more-actions.tsx'
import { type ActionId, actionWords, meant, type Place } from './mail-actions.ts'
import { hasFlag } from './row-patches.ts'

/**
 * The buttons.
 * @param subject Names the messages, for screen readers.
 */
export function ActionBar({
  rows,
  place,
  subject,
  onAct,
}: {
  rows: readonly MailRow[]
  place: Place
  subject: string
  onAct(action: ActionId): void
}) {
  const isUnread = rows.some(({ unread }) => unread > 0)
  const isStarred = rows.length > 0 && rows.every(row => hasFlag(row, 'flagged'))
  const shown: ActionId[] = [
    'archive',
    'trash',
    'junk',
    isUnread ? 'read' : 'unread',
    isStarred ? 'unstar' : 'star',
    'label',
    'move',
  ]
  const more: ActionId[] = [
    'copy',
    ...(place.role === 'trash' || place.role === 'archive' ? ['restore' as const] : []),
    'delete',
  ]
  const offered = (actions: readonly ActionId[]) => actions.flatMap(action => meant(action, place) ?? [])
  const first = offered(shown)
  // In the trash, the trash button deletes permanently.
  const further = offered(more).filter(action => !first.includes(action))
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms
    <div role="group" aria-label={`Actions: ${subject}`} className="flex flex-wrap items-center">
      {first.map(action => {
        const { label, icon, key } = actionWords[action]
        return (
          <IconButton
            key={action}
            icon={icon}
            label={key ? `${label} (${key})` : label}
            className="max-sm:size-9.5"
            onClick={() => onAct(action)}
          />
        )
      })}
      {further.length > 0 && (
        <MoreActions
          subject={subject}
          isIcon
          actions={further.map(action => ({
            label: actionWords[action].label,
            icon: actionWords[action].icon,
            isDangerous: action === 'delete',
            onChoose: () => onAct(action),
          }))}
        />
      )}
    </div>
  )
}
