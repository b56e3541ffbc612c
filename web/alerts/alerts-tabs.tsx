/** The tabs of the alerts pages. */
import { useMay } from '../platform/session.ts'
import { PageTabs } from '../ui/page-tabs.tsx'

const tabs = [
  { href: '/alerts', label: 'Open' },
  { href: '/alerts/rules', label: 'Rules' },
  { href: '/alerts/notifiers', label: 'Notifiers', isForAdministrators: true },
  { href: '/alerts/log', label: 'Cleared' },
]

export function AlertsTabs() {
  const isAdministrator = useMay('dashboard:admin')
  const shown = tabs.filter(({ isForAdministrators }) => !isForAdministrators || isAdministrator)
  return <PageTabs label="Alerts pages" tabs={shown} />
}
