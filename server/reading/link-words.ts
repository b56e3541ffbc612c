/** Links in plain text as HTML's links are told: the words and the host. Markdown that would load or follow something by itself is none any more. */

/** `[words](https://…)`, `![picture](//…)` and `[1]: https://…`: what stands between the words and the target is all that is looked at. */
const inlineTarget = /\]\([ \t]{0,3}<?((?:https?:)?\/\/[^\s<>()"]*)>?/gi
const referenceTarget = /\]:[ \t]{0,3}\n?[ \t]{0,3}<?((?:https?:)?\/\/[^\s<>"]*)>?/gi
/** Any other target: a blank between the two, and it is no link to Markdown (CommonMark, section 6.3). */
const otherTarget = /\]\(/g
/** Any other definition that names a scheme: a blank before the colon, and it is none (CommonMark, section 4.7). */
const otherReference = /\](?=:[ \t]{0,3}\n?[ \t]{0,3}<?[a-z][a-z\d+.-]{1,30}:)/gi
const autolink = /<((?:https?:)?\/\/[^\s<>"]*)>/gi
/** An address among the words keeps what tells where it leads, and loses what tells who follows it. */
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

/** Ends of sentences are none of the address. */
function withoutQuery(url: string): string {
  const query = url.search(/[?#]/)
  if (query < 0 || url.slice(query + 1).search(/[^.,;:!?)\]'*]/) < 0) return url
  const end = url.length - (/[.,;:!?)\]'*]{1,10}$/.exec(url)?.[0].length ?? 0)
  return `${url.slice(0, query)}?…${url.slice(end)}`
}

/** The end of a name says whose it is. */
const maxHostLength = 60
const maxAddressLength = 100
/** What is looked at; the host stands at the front. */
const maxHrefLength = 4096

/**
 * The host, or the address of a person. Never the rest, by which a sender recognises readers who follow the link.
 * @param words What is to be seen of the link. @returns Undefined when they say it themselves, and for what is no target in the net.
 */
export function linkTarget(href: string, words: string): string | undefined {
  const target = targetOf(href.slice(0, maxHrefLength).trim())
  return target === undefined || words.toLowerCase().includes(target.toLowerCase()) ? undefined : target
}

/** @returns Undefined for what is no address of the web. */
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
