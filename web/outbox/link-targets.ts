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

function plain(text: string): string {
  return text.replaceAll(/&(?:amp|lt|gt|quot);/g, entity => entities[entity] ?? entity)
}
