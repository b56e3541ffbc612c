/** The tabs of the alerts pages, each with its own address. */
import { Link, useLocation } from 'wouter'
import { useMay } from '../platform/session.ts'
import { classNames } from '../ui/class-names.ts'

const tabs = [
  { href: '/alerts', label: 'Firing' },
  { href: '/alerts/rules', label: 'Rules' },
  { href: '/alerts/notifiers', label: 'Notifiers', isForAdministrators: true },
  { href: '/alerts/log', label: 'Log' },
]

export function AlertsTabs() {
  const [path] = useLocation()
  const isAdministrator = useMay('dashboard:admin')
  const shown = tabs.filter(({ isForAdministrators }) => !isForAdministrators || isAdministrator)
  return (
    <nav aria-label="Alerts pages" className="mb-4 flex gap-1 overflow-x-auto border-b">
      {shown.map(({ href, label }) => {
        const isHere = path === href
        return (
          <Link
            key={href}
            href={href}
            aria-current={isHere ? 'page' : undefined}
            className={classNames(
              '-mb-px min-h-9 border-b-2 px-3 py-1.5 text-sm font-medium whitespace-nowrap focus-visible:-outline-offset-2',
              isHere ? 'border-accent-fill text-accent' : 'border-transparent text-soft hover:text-ink',
            )}
          >
            {label}
          </Link>
        )
      })}
    </nav>
  )
}
