/** A button that opens further actions below itself. */
import { ChevronDown, type LucideIcon } from 'lucide-react'
import { useId } from 'react'
import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { usePopover } from '../ui/use-popover.ts'

export interface Action {
  label: string
  icon: LucideIcon
  isDangerous?: boolean
  onChoose(): void
}

export function MoreActions({ subject, actions }: { subject: string; actions: readonly Action[] }) {
  const { isOpen, box, opener, toggle, close, onKeyDown } = usePopover()
  const id = useId()
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes from wherever the focus is inside
    <div ref={box} className="relative" onKeyDown={onKeyDown}>
      <Button
        ref={opener}
        size="sm"
        variant="quiet"
        icon={ChevronDown}
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        onClick={toggle}
      >
        More<span className="sr-only">: {subject}</span>
      </Button>
      {isOpen && (
        <ul id={id} className="absolute top-full right-0 z-10 mt-1 w-48 rounded-md border bg-raised p-1 shadow-float">
          {actions.map(({ label: words, icon: Icon, isDangerous, onChoose }) => (
            <li key={words}>
              <button
                type="button"
                className={classNames(
                  'flex min-h-9 w-full items-center gap-2 rounded-sm px-2 text-left text-sm hover:bg-sunken',
                  isDangerous && 'text-bad',
                )}
                onClick={() => {
                  close()
                  onChoose()
                }}
              >
                <Icon className="size-4 shrink-0" aria-hidden="true" />
                {words}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
