/** The number of selected rows and actions on them, below the list so that no row moves under the pointer. */
import { X } from 'lucide-react'
import { ActionBar } from '../organise/action-bar.tsx'
import { wordsOf } from '../organise/organiser.ts'
import type { MailActions } from '../organise/use-mail-actions.ts'
import { formatNumber } from '../platform/format.ts'
import { Button } from '../ui/button.tsx'
import { IconButton } from '../ui/icon-button.tsx'
import type { MailRow } from './mail-row.ts'
import { mostSelected } from './selection.ts'

export function SelectionBar({
  rows,
  hasMore,
  isSelecting,
  actions: { act, placeOf },
  onAll,
  onClear,
}: {
  rows: readonly MailRow[]
  /** Whether the list has more rows. */
  hasMore: boolean
  /** Whether older rows are being loaded to be selected. */
  isSelecting: boolean
  actions: MailActions
  onAll(): void
  onClear(): void
}) {
  const isFull = rows.length >= mostSelected
  const shown = rows.length > 0
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape clears the selection from anywhere inside
    <div
      onKeyDown={event => {
        if (event.key !== 'Escape' || event.defaultPrevented) return
        event.preventDefault()
        onClear()
      }}
      data-at-bottom={shown ? 'selection' : undefined}
      className={shown ? 'relative z-20 shrink-0 border-t bg-accent-tint px-1.5 py-1' : undefined}
    >
      <div className={shown ? 'flex min-h-9 items-center gap-1 pl-1.5' : undefined}>
        <p role="status" className="min-w-0 flex-1 truncate text-sm font-medium">
          {shown && `${formatNumber(rows.length)} selected`}
          {isFull && hasMore && <span className="font-normal text-soft">, the most at once</span>}
        </p>
        {shown && (
          <>
            {hasMore && !isFull && (
              <Button variant="quiet" size="sm" disabled={isSelecting} onClick={onAll}>
                Select all
              </Button>
            )}
            <IconButton icon={X} label="Clear the selection" onClick={onClear} />
          </>
        )}
      </div>
      {shown && act && (
        <ActionBar
          rows={rows}
          place={placeOf(rows)}
          subject={wordsOf(rows)}
          onAct={action => act(action, 'selection')}
        />
      )}
    </div>
  )
}
