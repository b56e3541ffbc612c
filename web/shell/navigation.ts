/** The pages of the rail, in order. */
import {
  Bot,
  Inbox,
  LayoutDashboard,
  type LucideIcon,
  MonitorSmartphone,
  Server,
  SlidersHorizontal,
  Users,
} from 'lucide-react'

export interface Destination {
  href: string
  label: string
  /** For the bar of phones. */
  shortLabel: string
  icon: LucideIcon
}

export const destinations: readonly Destination[] = [
  { href: '/', label: 'Overview', shortLabel: 'Overview', icon: LayoutDashboard },
  { href: '/mail', label: 'Mail', shortLabel: 'Mail', icon: Inbox },
  { href: '/clients', label: 'Clients', shortLabel: 'Clients', icon: MonitorSmartphone },
  { href: '/accounts', label: 'Accounts', shortLabel: 'Accounts', icon: Users },
  { href: '/assistant', label: 'Assistant', shortLabel: 'Assistant', icon: Bot },
  { href: '/configuration', label: 'Configuration', shortLabel: 'Config', icon: SlidersHorizontal },
  { href: '/system', label: 'System', shortLabel: 'System', icon: Server },
]
