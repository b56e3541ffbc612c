/** Classifies a link that a model wrote: an internal page, or an external host, which opens only after a question. */

/** Paths that are not pages; opening one in a new tab would send a request. */
const notPages = /^\/(?:api|mcp|docs|metrics|oauth|problems)(?:[/?#]|$)/

/** Returns the path with query and fragment; undefined unless it is a page of this server. */
export function ownPath(href: string, origin: string): string | undefined {
  if (!/^(?:\/|https?:)/i.test(href) || !URL.canParse(href, origin)) return undefined
  const { origin: target, pathname, search, hash, username, password } = new URL(href, origin)
  if (target !== origin || username || password) return undefined
  // A leading double slash would start a host name.
  if (pathname.startsWith('//') || notPages.test(pathname)) return undefined
  return pathname + search + hash
}

/** Returns the full address and its host in ASCII, for external web addresses. */
export function outsideAddress(href: string, origin: string): { href: string; host: string } | undefined {
  if (!/^https?:\/\//i.test(href) || !URL.canParse(href)) return undefined
  const url = new URL(href)
  return url.origin === origin ? undefined : { href: url.href, host: url.host }
}
