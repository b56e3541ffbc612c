/** Where the links of a message lead: their words say nothing of that, and an address can carry any words. */

const link = /<a(?: [a-z-]+="[^"]*")*? href="([^"]*)"[^>]*>([\s\S]*?)<\/a>/g
const entities: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"' }

/** Each once. @param html As the server cleaned it: values have neither quotes nor brackets. */
export function linkTargets(html: string): string[] {
  const targets = new Set<string>()
  for (const [, href = '', words = ''] of html.matchAll(link)) {
    const target = plain(href)
    // One that is written out is read in the message.
    if (plain(words.replaceAll(/<[^>]*>/g, '')).trim() !== target.replace(/^mailto:/, '')) targets.add(target)
  }
  return [...targets]
}

/** Of all of them, the places alone, each once: `example.com`. */
export function placesOf(targets: readonly string[]): string[] {
  return [...new Set(targets.map(target => URL.parse(target)?.host || target.replace(/\?.*$/s, '')))]
}

function plain(text: string): string {
  return text.replaceAll(/&(?:amp|lt|gt|quot);/g, entity => entities[entity] ?? entity)
}
