/** A button that opens a menu of further actions in the top layer, where no parent clips or scrolls it. */
import { ChevronDown, Ellipsis, type LucideIcon } from 'lucide-react'
import { type CSSProperties, type RefObject, useId, useLayoutEffect, useState } from 'react'
import { moveThroughRows } from '../mail/row-keys.ts'
import { Button } from './button.tsx'
import { classNames } from './class-names.ts'
import { IconButton } from './icon-button.tsx'
import { usePopover } from './use-popover.ts'

export interface Action {
  label: string
  icon: LucideIcon
  isDangerous?: boolean
  disabled?: boolean
  onChoose(): void
}

const gapPx = 4

/**
 * The button and its menu.
 * @param isIcon Shows three dots instead of a word.
 */
export function MoreActions({
  subject,
  actions,
  isIcon = false,
}: {
  subject: string
  actions: readonly Action[]
  isIcon?: boolean
}) {
  const { isOpen, box, opener, toggle, close, onKeyDown } = usePopover()
  const id = useId()
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape and arrows work from anywhere inside
    <div
      ref={box}
      className="relative"
      onKeyDown={event => {
        onKeyDown(event)
        if (isOpen) moveThroughRows(event, 'li button:enabled')
      }}
    >
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
      {isOpen && <ActionList id={id} actions={actions} opener={opener} close={close} />}
    </div>
  )
}

function ActionList({
  id,
  actions,
  opener,
  close,
}: {
  id: string
  actions: readonly Action[]
  opener: RefObject<HTMLButtonElement | null>
  close(): void
}) {
  const [list, setList] = useState<HTMLUListElement | null>(null)
  const [place, setPlace] = useState<CSSProperties>()
  useLayoutEffect(() => {
    if (!list) return
    list.showPopover()
    const follow = () => opener.current && setPlace(placeBeside(opener.current, list))
    follow()
    // The menu follows its button when anything scrolls.
    const heard = { capture: true, passive: true }
    window.addEventListener('scroll', follow, heard)
    window.addEventListener('resize', follow)
    return () => {
      window.removeEventListener('scroll', follow, heard)
      window.removeEventListener('resize', follow)
    }
  }, [list, opener])
  return (
    <ul
      id={id}
      ref={setList}
      popover="manual"
      style={place}
      className="m-0 w-52 overflow-y-auto rounded-md border bg-raised p-1 text-ink shadow-float"
    >
      {actions.map(({ label: words, icon: Icon, isDangerous, disabled, onChoose }) => (
        <li key={words}>
          <button
            type="button"
            disabled={disabled}
            className={classNames(
              'flex min-h-9 w-full items-center gap-2 rounded-sm px-2 text-left text-sm hover:bg-sunken focus-visible:-outline-offset-2 disabled:opacity-60 max-md:min-h-11',
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
  )
}

/** Places the menu below the button, aligned to its edge, or above if there is more room. */
function placeBeside(button: HTMLElement, list: HTMLElement): CSSProperties {
  const { top, bottom, right } = button.getBoundingClientRect()
  const { clientWidth: width, clientHeight: height } = document.documentElement
  const [above, below] = [top - gapPx, height - bottom - gapPx]
  const isBelow = below >= list.scrollHeight || below >= above
  const inset = isBelow ? `${bottom + gapPx}px` : 'auto'
  const left = Math.max(gapPx, Math.min(right, width - gapPx) - list.offsetWidth)
  return {
    inset: `${inset} auto ${isBelow ? 'auto' : `${height - top + gapPx}px`} ${left}px`,
    maxHeight: Math.max(above, below) - gapPx,
  }
}
