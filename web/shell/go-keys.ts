/** The letter of each page, pressed after `g`. */
import { destinations } from './navigation.ts'

export const goKeys: Readonly<Record<string, string>> = {
  o: '/',
  m: '/mail',
  v: '/approvals',
  x: '/outbox',
  n: '/agents',
  l: '/analytics',
  c: '/clients',
  r: '/alerts',
  a: '/accounts',
  b: '/assistant',
  f: '/configuration',
  s: '/system',
  u: '/users',
  t: '/tokens',
  e: '/sessions',
  h: '/changes',
  d: '/audit',
  w: '/logs',
  p: '/profile',
}

/** The letter of the inbox, as in most mail clients; the mail page has one of its own, too. */
export const inboxKey = 'i'

/** Returns the page of a letter; undefined if there is none. */
export function pageOfKey(key: string): string | undefined {
  if (key === inboxKey) return '/mail'
  return Object.hasOwn(goKeys, key) ? goKeys[key] : undefined
}

export function keyOfPage(href: string): string | undefined {
  return Object.entries(goKeys).find(([, page]) => page === href)?.[0]
}

export function labelOfPage(href: string): string {
  return destinations.find(destination => destination.href === href)?.label ?? 'Profile'
}
