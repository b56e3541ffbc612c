/** What is told of a link's target: the host, or the address of a person. Never the rest, which is there to recognise who follows it. */

/** The end of a name says whose it is. */
const maxHostLength = 60
const maxAddressLength = 100
/** What is looked at; the host stands at the front. */
const maxHrefLength = 4096

/** @param words What is to be seen of the link. @returns Undefined when they say it themselves, and for what is no target in the net. */
export function linkTarget(href: string, words: string): string | undefined {
  const target = targetOf(href.slice(0, maxHrefLength).trim())
  return target === undefined || words.toLowerCase().includes(target.toLowerCase()) ? undefined : target
}

/** @returns Undefined for what is no address of the web. */
export function shownHost(href: string): string | undefined {
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
