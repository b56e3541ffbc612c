/** Lists the targets of a message's links, since link words do not show them and a URL can carry any words. */

const link = /<a(?: [a-z-]+="[^"]*")*? href="([^"]*)"[^>]*>([\s\S]*?)<\/a>/g
const entities: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"' }

/** Returns each target once. @param html HTML cleaned by the server: attribute values have no quotes or brackets. */
export function linkTargets(html: string): string[] {
  const targets = new Set<string>()
  for (const [, href = '', words = ''] of html.matchAll(link)) {
    const target = plain(href)
    // A URL that is written out can be read in the message.
    if (plain(words.replaceAll(/<[^>]*>/g, '')).trim() !== target.replace(/^mailto:/, '')) targets.add(target)
  }
  return [...targets]
}

/** Returns the hosts of the targets, each once, such as `example.com`. */
export function placesOf(targets: readonly string[]): string[] {
  return [...new Set(targets.map(target => URL.parse(target)?.host || target.replace(/\?.*$/s, '')))]
}

/** Whether a target says more than where it leads, so that all of it has to be read. */
export function saysMore(target: string): boolean {
  const url = URL.parse(target)
  if (!url) return true
  return url.search !== '' || url.hash !== '' || url.username !== '' || url.pathname.length > longPath
}

const longPath = 60
/** In an element, a background or a style sheet. */
const picture = /data:image\/[a-z+]+;base64,[\w+/=]*/g

/** Returns how many pictures are in the text, and their size in bytes: no filter sees what is in them. */
export function picturesIn(html: string): { count: number; bytes: number } {
  const found = html.match(picture) ?? []
  return { count: found.length, bytes: Math.round(found.join('').length * 0.75) }
}

function plain(text: string): string {
  return text.replaceAll(/&(?:amp|lt|gt|quot);/g, entity => entities[entity] ?? entity)
}
