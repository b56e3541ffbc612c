/** The last button of the phone navigation bar: opens the pages that do not fit. */
import { Ellipsis } from 'lucide-react'
import { useId } from 'react'
import { Link } from 'wouter'
import { classNames } from '../ui/class-names.ts'
import { usePopover } from '../ui/use-popover.ts'
import { NavCount } from './nav-count.tsx'
import { type DestinationGroup, isHere } from './navigation.ts'

/** Use the path as the key, so that it closes on navigation. */
export function NavMore({ groups, path }: { groups: readonly DestinationGroup[]; path: string }) {
  const { isOpen, box, opener, toggle, onKeyDown } = usePopover()
  const id = useId()
  const isHereInside = groups.some(({ destinations }) => destinations.some(({ href }) => isHere(path, href)))
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes from anywhere inside
    <div ref={box} onKeyDown={onKeyDown}>
      <button
        ref={opener}
        type="button"
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        data-here={isHereInside || undefined}
        onClick={toggle}
        className={classNames(
          'flex w-full flex-col items-center gap-0.5 rounded-md py-2 text-2xs font-medium tracking-tighter focus-visible:-outline-offset-2',
          isHereInside || isOpen ? 'bg-accent-tint text-accent' : 'text-soft hover:bg-sunken hover:text-ink',
        )}
      >
        <Ellipsis className="size-4.5 shrink-0" aria-hidden="true" />
        More
      </button>
      {isOpen && (
        <div
          id={id}
          className="absolute inset-x-0 bottom-full grid max-h-[70dvh] gap-3 overflow-y-auto border-t bg-raised p-3 shadow-float"
        >
          {groups.map(group => (
            <MoreGroup key={group.label} group={group} path={path} />
          ))}
        </div>
      )}
    </div>
  )
}

function MoreGroup({ group: { label, destinations }, path }: { group: DestinationGroup; path: string }) {
  const id = useId()
  return (
    <div>
      <p id={id} className="px-2 pb-1 text-xs text-muted">
        {label}
      </p>
      <ul aria-labelledby={id} className="grid grid-cols-2 gap-1">
        {destinations.map(({ href, label: words, icon: Icon }) => (
          <li key={href}>
            <Link
              href={href}
              aria-current={isHere(path, href) ? 'page' : undefined}
              className={classNames(
                'relative flex min-h-11 items-center gap-3 rounded-md px-2 font-medium focus-visible:-outline-offset-2',
                isHere(path, href) ? 'bg-accent-tint text-accent' : 'text-soft hover:bg-sunken hover:text-ink',
              )}
            >
              <Icon className="size-4.5 shrink-0" aria-hidden="true" />
              {words}
              <NavCount href={href} />
            </Link>
          </li>
        ))}
      </ul>
    </div>
  )
}
