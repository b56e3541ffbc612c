/** The letter that leads to each page, behind a `g`. */
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

/** As in most mail programs; the page *Mail* has its own letter too. */
export const inboxKey = 'i'

/** Where the letter leads; undefined for one that leads nowhere. */
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
