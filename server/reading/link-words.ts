/**
 * Rewrites links in plain text like those of HTML, as words and host, and disarms Markdown that a renderer would load
 * or follow.
 */

/** `[words](https://…)`, `![picture](//…)` and `[1]: https://…`, matched from between words and target on. */
const inlineTarget = /\]\([ \t]{0,3}<?((?:https?:)?\/\/[^\s<>()"]*)>?/gi
const referenceTarget = /\]:[ \t]{0,3}\n?[ \t]{0,3}<?((?:https?:)?\/\/[^\s<>"]*)>?/gi
/** Any other target: a blank in between makes it no link in Markdown (CommonMark, section 6.3). */
const otherTarget = /\]\(/g
/** Any other definition with a scheme: a blank before the colon makes it none (CommonMark, section 4.7). */
const otherReference = /\](?=:[ \t]{0,3}\n?[ \t]{0,3}<?[a-z][a-z\d+.-]{1,30}:)/gi
const autolink = /<((?:https?:)?\/\/[^\s<>"]*)>/gi
/** A bare address keeps its host and path, and loses the query that could identify the reader. */
const bareAddress = /(?:(?:https?|ftp):\/\/|mailto:)[^\s<>"]+/gi

export function withoutTargets(text: string): string {
  return text
    .replaceAll(inlineTarget, (_all, url: string) => `] (${hostOf(url)}`)
    .replaceAll(referenceTarget, (_all, url: string) => `]: ${hostOf(url)}`)
    .replaceAll(otherReference, '] ')
    .replaceAll(otherTarget, '] (')
    .replaceAll(autolink, (_all, url: string) => `(${hostOf(url)})`)
    .replaceAll(bareAddress, url => withoutQuery(url))
}

function hostOf(url: string): string {
  return shownHost(url) ?? 'a link'
}

/** Removes the query; trailing punctuation is not part of the address. */
function withoutQuery(url: string): string {
  const query = url.search(/[?#]/)
  if (query < 0 || url.slice(query + 1).search(/[^.,;:!?)\]'*]/) < 0) return url
  const end = url.length - (/[.,;:!?)\]'*]{1,10}$/.exec(url)?.[0].length ?? 0)
  return `${url.slice(0, query)}?…${url.slice(end)}`
}

/** Long names are cut at the front, since the end identifies the owner. */
const maxHostLength = 60
const maxAddressLength = 100
/** Characters of an address that are inspected; the host is at the front. */
const maxHrefLength = 4096

/**
 * Returns the host, or the address of a person, without the rest that could identify readers who follow the link.
 * @param words The visible words. @returns Undefined when they already contain it, and when there is no web or mail
 * target.
 */
export function linkTarget(href: string, words: string): string | undefined {
  const target = targetOf(href.slice(0, maxHrefLength).trim())
  return target === undefined || words.toLowerCase().includes(target.toLowerCase()) ? undefined : target
}

/** @returns Undefined when it is no web address. */
function shownHost(href: string): string | undefined {
  const url = URL.parse(href.startsWith('//') ? `https:${href.slice(0, maxHrefLength)}` : href.slice(0, maxHrefLength))
  if (!url || !/^https?:$/.test(url.protocol)) return undefined
  const host = url.hostname.replace(/^www\./, '')
  return host.length > maxHostLength ? `…${host.slice(-maxHostLength)}` : host
}

function targetOf(href: string): string | undefined {
  const url = URL.parse(href)
  if (url?.protocol === 'mailto:' && url.pathname !== '') return url.pathname.slice(0, maxAddressLength)
  return shownHost(href)
}
