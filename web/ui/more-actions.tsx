/** A button that opens further actions below itself. */
import { ChevronDown, Ellipsis, type LucideIcon } from 'lucide-react'
import { useId } from 'react'
import { Button } from './button.tsx'
import { classNames } from './class-names.ts'
import { IconButton } from './icon-button.tsx'
import { usePopover } from './use-popover.ts'

export interface Action {
  label: string
  icon: LucideIcon
  isDangerous?: boolean
  onChoose(): void
}

/** @param isIcon Three dots in place of the word. */
export function MoreActions({
  subject,
  actions,
  isIcon = false,
  opensUp = false,
}: {
  subject: string
  actions: readonly Action[]
  isIcon?: boolean
  /** Above the button: there is no room below. */
  opensUp?: boolean
}) {
  const { isOpen, box, opener, toggle, close, onKeyDown } = usePopover()
  const id = useId()
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes from wherever the focus is inside
    <div ref={box} className="relative" onKeyDown={onKeyDown}>
      {isIcon ? (
        <IconButton
          ref={opener}
          icon={Ellipsis}
          label={`More: ${subject}`}
          aria-expanded={isOpen}
          aria-controls={isOpen ? id : undefined}
          onClick={toggle}
        />
      ) : (
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
      )}
      {isOpen && (
        <ul
          id={id}
          className={classNames(
            'absolute right-0 z-20 w-52 rounded-md border bg-raised p-1 shadow-float',
            opensUp ? 'bottom-full mb-1' : 'top-full mt-1',
          )}
        >
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
