/** Where a link that a model wrote leads: to a page of ours, or to a host outside, which is never followed without a question. */

/** Not pages: a click that opens them beside would ask the server. */
const notPages = /^\/(?:api|mcp|docs|metrics|oauth|problems)(?:[/?#]|$)/

/** With query and fragment; undefined for all that is no page of this server. */
export function ownPath(href: string, origin: string): string | undefined {
  if (!/^(?:\/|https?:)/i.test(href) || !URL.canParse(href, origin)) return undefined
  const { origin: target, pathname, search, hash, username, password } = new URL(href, origin)
  if (target !== origin || username || password) return undefined
  // A second slash would begin the name of a host.
  if (pathname.startsWith('//') || notPages.test(pathname)) return undefined
  return pathname + search + hash
}

/** The whole address and its host, in ASCII, for what is on the web elsewhere. */
export function outsideAddress(href: string, origin: string): { href: string; host: string } | undefined {
  if (!/^https?:\/\//i.test(href) || !URL.canParse(href)) return undefined
  const url = new URL(href)
  return url.origin === origin ? undefined : { href: url.href, host: url.host }
}
