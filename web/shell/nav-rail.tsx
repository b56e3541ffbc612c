/** The navigation rail on the left; icons with short labels on tablets, a bottom bar on phones. */
import { useId } from 'react'
import { Link, useLocation } from 'wouter'
import { useSession } from '../platform/session.ts'
import { classNames } from '../ui/class-names.ts'
import { Brand } from './brand.tsx'
import { NavCount } from './nav-count.tsx'
import { NavMore } from './nav-more.tsx'
import { type Destination, type DestinationGroup, groupsFor, isHere, splitForPhones } from './navigation.ts'

export function NavRail() {
  const [path] = useLocation()
  const groups = groupsFor(useSession().principal.scopes)
  const { bar, more } = splitForPhones(groups)
  return (
    <nav
      aria-label="Pages"
      className={classNames(
        'z-30 flex border-line bg-surface',
        'max-md:fixed max-md:inset-x-0 max-md:bottom-0 max-md:border-t',
        'md:sticky md:top-0 md:h-dvh md:w-rail-narrow md:shrink-0 md:flex-col md:border-r lg:w-rail',
      )}
    >
      <div className="hidden h-bar shrink-0 items-center border-b px-5 md:flex max-lg:justify-center max-lg:px-0">
        <Brand isCompact />
      </div>
      <div className="grid content-start gap-2 overflow-y-auto p-2 max-md:hidden">
        {groups.map(group => (
          <RailGroup key={group.label} group={group} path={path} />
        ))}
      </div>
      <ul className="flex flex-1 justify-around md:hidden">
        {bar.map(destination => (
          <NavItem key={destination.href} destination={destination} isHere={isHere(path, destination.href)} />
        ))}
        <li className="min-w-0 flex-1">
          <NavMore key={path} groups={more} path={path} />
        </li>
      </ul>
    </nav>
  )
}

function RailGroup({ group: { label, destinations }, path }: { group: DestinationGroup; path: string }) {
  const id = useId()
  return (
    <div className="group/rail border-t pt-2 first:border-t-0 first:pt-0">
      <p id={id} className="px-3 pb-1 text-xs text-muted group-first/rail:sr-only max-lg:sr-only">
        {label}
      </p>
      <ul aria-labelledby={id} className="grid gap-0.5">
        {destinations.map(destination => (
          <NavItem key={destination.href} destination={destination} isHere={isHere(path, destination.href)} />
        ))}
      </ul>
    </div>
  )
}

function NavItem({ destination, isHere }: { destination: Destination; isHere: boolean }) {
  const { href, label, shortLabel, icon: Icon } = destination
  return (
    <li className="max-md:min-w-0 max-md:flex-1">
      <Link
        href={href}
        aria-current={isHere ? 'page' : undefined}
        className={classNames(
          'relative flex rounded-md font-medium transition-colors focus-visible:-outline-offset-2',
          'max-lg:flex-col max-lg:items-center max-lg:gap-0.5 max-lg:py-2 max-lg:text-2xs max-md:tracking-tighter md:max-lg:px-0.5',
          'lg:items-center lg:gap-3 lg:px-3 lg:py-1 lg:text-base',
          isHere ? 'bg-accent-tint text-accent' : 'text-soft hover:bg-sunken hover:text-ink',
        )}
      >
        <Icon className="size-4.5 shrink-0" aria-hidden="true" />
        <span className="whitespace-nowrap lg:hidden">{shortLabel}</span>
        <span className="max-lg:hidden">{label}</span>
        <NavCount href={href} />
      </Link>
    </li>
  )
}
