/** The entries as they come; while the pointer or the focus is inside, rows stay where they are. */
import { useRef, useState } from 'react'
import type { Account } from '../../contract/accounts.ts'
import type { AuditEntry } from '../../contract/audit.ts'
import type { User } from '../../contract/users.ts'
import { formatNumber } from '../platform/format.ts'
import { Button } from '../ui/button.tsx'
import { AuditTable } from './audit-table.tsx'
import { heldEntries } from './held-entries.ts'

export function LiveEntries({
  entries,
  isLive,
  accounts,
  people,
  onOpen,
}: {
  entries: readonly AuditEntry[]
  /** Whether these are the newest, which more can come before. */
  isLive: boolean
  accounts: readonly Account[] | undefined
  people: readonly User[] | undefined
  onOpen(entry: AuditEntry): void
}) {
  const [held, setHeld] = useState<readonly AuditEntry[]>()
  const isPointed = useRef(false)
  const isFocused = useRef(false)
  const update = (mark: { current: boolean }, isInside: boolean) => {
    mark.current = isInside
    const isHeld = isPointed.current || isFocused.current
    setHeld(before => (isHeld ? (before ?? entries) : undefined))
  }
  const { shown, waiting, isMore } = heldEntries(isLive ? held : undefined, entries)
  return (
    // The button is inside too: on the way to it, what is held must not be let go under the pointer.
    <section
      aria-label="Newest entries"
      onPointerEnter={() => update(isPointed, true)}
      onPointerLeave={() => update(isPointed, false)}
      onFocus={() => update(isFocused, true)}
      onBlur={() => update(isFocused, false)}
    >
      {waiting > 0 && (
        <div className="border-b p-2 text-center">
          <Button size="sm" onClick={() => setHeld(entries)}>
            Show {formatNumber(waiting)}
            {isMore && ' and more'} new
          </Button>
        </div>
      )}
      <AuditTable entries={shown} accounts={accounts} people={people} onOpen={onOpen} />
    </section>
  )
}
