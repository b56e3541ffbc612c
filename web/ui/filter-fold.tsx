/** On phones a filter is folded behind this button, which says how many of its fields are set and can clear them. */
import { SlidersHorizontal } from 'lucide-react'
import { useRef } from 'react'
import { Badge } from './badge.tsx'
import { Button } from './button.tsx'

export function FilterFold({
  values,
  isOpen,
  onToggle,
  onClear,
}: {
  /** Values of the folded fields, empty if unset. */
  values: readonly string[]
  isOpen: boolean
  onToggle(): void
  onClear?: () => void
}) {
  const fold = useRef<HTMLButtonElement>(null)
  const set = values.filter(value => value !== '').length
  const clear = () => {
    onClear?.()
    // This button goes away.
    fold.current?.focus()
  }
  return (
    <div className="flex basis-full gap-2 sm:hidden">
      <Button ref={fold} size="sm" icon={SlidersHorizontal} aria-expanded={isOpen} onClick={onToggle}>
        Filter
        {set > 0 && <Badge tone="info">{set} set</Badge>}
      </Button>
      {onClear && set > 0 && (
        <Button size="sm" variant="quiet" onClick={clear}>
          Clear
        </Button>
      )}
    </div>
  )
}
