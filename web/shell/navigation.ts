/** The pages of the rail, in groups and in order. */
import {
  AtSign,
  Bot,
  ChartSpline,
  History,
  Inbox,
  KeyRound,
  LayoutDashboard,
  LogIn,
  Logs,
  type LucideIcon,
  MonitorSmartphone,
  ScrollText,
  Send,
  Server,
  ShieldQuestionMark,
  SlidersHorizontal,
  TriangleAlert,
  Users,
  Waypoints,
} from 'lucide-react'
import type { Scope } from '../../contract/scope.ts'

export interface Destination {
  href: string
  label: string
  /** The label on tablets and phones. */
  shortLabel: string
  icon: LucideIcon
  /** The scope required; any signed-in user by default. */
  needs?: Scope
  /** Whether it fills the window and scrolls inside. */
  isWhole?: boolean
}

export interface DestinationGroup {
  label: string
  destinations: readonly Destination[]
}

const groups: readonly DestinationGroup[] = [
  {
    label: 'Mail',
    destinations: [
      { href: '/', label: 'Overview', shortLabel: 'Overview', icon: LayoutDashboard, needs: 'dashboard:read' },
      { href: '/mail', label: 'Mail', shortLabel: 'Mail', icon: Inbox, needs: 'mail:meta', isWhole: true },
      {
        href: '/approvals',
        label: 'Approvals',
        shortLabel: 'Approvals',
        icon: ShieldQuestionMark,
        needs: 'mail:draft',
        isWhole: true,
      },
      { href: '/outbox', label: 'Outbox', shortLabel: 'Outbox', icon: Send, needs: 'mail:draft' },
      { href: '/changes', label: 'Changes', shortLabel: 'Changes', icon: History, needs: 'mail:meta' },
      { href: '/accounts', label: 'Accounts', shortLabel: 'Accounts', icon: AtSign, needs: 'dashboard:read' },
      {
        href: '/assistant',
        label: 'Assistant',
        shortLabel: 'Assistant',
        icon: Bot,
        needs: 'dashboard:operate',
        isWhole: true,
      },
    ],
  },
  {
    label: 'Programs',
    destinations: [
      { href: '/agents', label: 'Agents', shortLabel: 'Agents', icon: Waypoints, needs: 'dashboard:read' },
      { href: '/clients', label: 'Clients', shortLabel: 'Clients', icon: MonitorSmartphone, needs: 'dashboard:read' },
      { href: '/tokens', label: 'Tokens', shortLabel: 'Tokens', icon: KeyRound },
    ],
  },
  {
    label: 'Monitoring',
    destinations: [
      {
        href: '/analytics',
        label: 'Analytics',
        shortLabel: 'Analytics',
        icon: ChartSpline,
        needs: 'dashboard:read',
      },
      { href: '/alerts', label: 'Alerts', shortLabel: 'Alerts', icon: TriangleAlert, needs: 'dashboard:read' },
      { href: '/system', label: 'System', shortLabel: 'System', icon: Server, needs: 'dashboard:read' },
      { href: '/logs', label: 'Logs', shortLabel: 'Logs', icon: Logs, needs: 'dashboard:admin' },
    ],
  },
  {
    label: 'Administration',
    destinations: [
      { href: '/users', label: 'Users', shortLabel: 'Users', icon: Users, needs: 'dashboard:admin' },
      { href: '/sessions', label: 'Sessions', shortLabel: 'Sessions', icon: LogIn },
      { href: '/audit', label: 'Audit', shortLabel: 'Audit', icon: ScrollText, needs: 'dashboard:admin' },
      {
        href: '/configuration',
        label: 'Configuration',
        shortLabel: 'Config',
        icon: SlidersHorizontal,
        needs: 'dashboard:read',
      },
    ],
  },
]

export const destinations: readonly Destination[] = groups.flatMap(group => group.destinations)

/** Pages of the first group in the phone bar; the others are behind its last button. */
const inBar = 4

/** Returns the pages that a user with these scopes may open. */
export function groupsFor(scopes: readonly Scope[]): DestinationGroup[] {
  return groups
    .map(({ label, destinations: all }) => ({
      label,
      destinations: all.filter(({ needs }) => !needs || scopes.includes(needs)),
    }))
    .filter(group => group.destinations.length > 0)
}

export function splitForPhones([first, ...others]: readonly DestinationGroup[]): {
  bar: readonly Destination[]
  more: readonly DestinationGroup[]
} {
  const { label = '', destinations = [] } = first ?? {}
  return {
    bar: destinations.slice(0, inBar),
    more: [{ label, destinations: destinations.slice(inBar) }, ...others].filter(
      group => group.destinations.length > 0,
    ),
  }
}

export function isHere(path: string, href: string): boolean {
  const of = path === '/settings/assistant' ? '/configuration' : path
  return href === '/' ? of === '/' : of === href || of.startsWith(`${href}/`)
}

/** Subpages that need another scope than their page. */
const inner: readonly Pick<Destination, 'href' | 'label' | 'needs'>[] = [
  { href: '/alerts/notifiers', label: 'Notifiers', needs: 'dashboard:admin' },
  { href: '/settings/assistant', label: 'Assistant settings', needs: 'dashboard:admin' },
]

export function placeAt(path: string): Pick<Destination, 'href' | 'label' | 'needs'> | undefined {
  return inner.find(({ href }) => href === path) ?? destinations.find(({ href }) => isHere(path, href))
}

/** @param href May have a query. */
export function mayOpen(href: string, scopes: readonly Scope[]): boolean {
  const [path = ''] = href.split('?')
  const needs = placeAt(path)?.needs
  return needs === undefined || scopes.includes(needs)
}
