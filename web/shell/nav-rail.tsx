/** The rail at the left; icons alone on tablets, a bar at the bottom on phones. */
import { Link, useLocation } from 'wouter'
import { classNames } from '../ui/class-names.ts'
import { Brand } from './brand.tsx'
import { type Destination, destinations } from './navigation.ts'

export function NavRail() {
  const [path] = useLocation()
  return (
    <nav
      aria-label="Pages"
      className={classNames(
        'z-30 flex border-line bg-surface',
        'max-md:fixed max-md:inset-x-0 max-md:bottom-0 max-md:border-t',
        'md:sticky md:top-0 md:h-dvh md:w-rail-narrow md:shrink-0 md:flex-col md:border-r lg:w-rail',
      )}
    >
      <div className="hidden h-bar items-center border-b px-5 md:flex max-lg:justify-center max-lg:px-0">
        <Brand isCompact />
      </div>
      <ul className="flex flex-1 max-md:justify-around md:flex-col md:gap-0.5 md:p-2">
        {destinations.map(destination => (
          <NavItem key={destination.href} destination={destination} isHere={isHere(path, destination.href)} />
        ))}
      </ul>
    </nav>
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
          'flex rounded-md font-medium transition-colors focus-visible:-outline-offset-2',
          'max-lg:flex-col max-lg:items-center max-lg:gap-0.5 max-lg:py-2 max-lg:text-2xs max-md:tracking-tighter md:max-lg:px-0.5',
          'lg:items-center lg:gap-3 lg:px-3 lg:py-1.5 lg:text-base',
          isHere ? 'bg-accent-tint text-accent' : 'text-soft hover:bg-sunken hover:text-ink',
        )}
      >
        <Icon className="size-4.5 shrink-0" aria-hidden="true" />
        <span className="whitespace-nowrap lg:hidden">{shortLabel}</span>
        <span className="max-lg:hidden">{label}</span>
      </Link>
    </li>
  )
}

function isHere(path: string, href: string): boolean {
  return href === '/' ? path === '/' : path === href || path.startsWith(`${href}/`)
}
