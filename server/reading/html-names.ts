/** Names of classes and ids in HTML that was written here, whose values contain no quotes or brackets. */

/** New names of classes and ids, so that those of the author carry no words. */
type Names = ReadonlyMap<string, string>

export const tags = /<[a-z][^>]*>/g
export const names = / (class|id)="([^"]*)"/g

/** Drops all class and id names, for HTML that is sent without its style sheet. */
export function withoutNames(html: string): string {
  return renamed(html, new Map())
}

/** Replaces class and id names as given, and drops all others. */
export function renamed(html: string, given: Names): string {
  return html.replaceAll(tags, tag =>
    tag.replaceAll(names, (_all, attribute: string, value: string) => {
      const kept = value.split(/\s+/).flatMap(name => given.get(name) ?? [])
      return kept.length > 0 ? ` ${attribute}="${kept.join(' ')}"` : ''
    }),
  )
}
