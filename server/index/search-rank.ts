/** Ranks hits, and counts them by folder, sender and year (facets). */
import { lowerAscii } from '../../contract/ascii-case.ts'
import type { Address } from '../../contract/mail.ts'
import { lists } from './bulk-rows.ts'
import type { IndexOwner } from './change-log.ts'
import { addressesOf } from './envelope.ts'
import { fixedStatement } from './fixed-statement.ts'
import { type Phrase, phraseOf, tokensOf } from './fulltext.ts'
import type { SearchNode } from './search-tree.ts'

/** Data of one hit that ranking and facets use. */
export interface HitFacts {
  rowid: number
  subject: string
  from: Address[]
  date: number
  isFlagged: boolean
  isAnswered: boolean
  folders: number[]
}

export interface SearchFacets {
  folders: { path: string; count: number }[]
  senders: { email: string; name: string | null; count: number }[]
  years: { year: number; count: number }[]
}

const mostSenders = 20
const dayMs = 86_400_000
/** Days in which the recency score of a message halves. */
const halfLife = 60
const weights = { subject: 4, sender: 3, recency: 4, flagged: 2, answered: 1 } as const

const factsAt = fixedStatement((db, account: number, rowids: readonly number[]) =>
  db
    .selectFrom('messages')
    .select(['rowid', 'subject', 'from_json', 'date'])
    .where('account', '=', account)
    .where('rowid', 'in', rowids),
)
const placesAt = fixedStatement((db, account: number, messages: readonly number[]) =>
  db
    .selectFrom('places')
    .select(['message', 'folder', 'flagged', 'answered'])
    .where('account', '=', account)
    .where('message', 'in', messages),
)

export async function factsOf({ db, account }: IndexOwner, rowids: readonly number[]): Promise<HitFacts[]> {
  const found = new Map<number, HitFacts>()
  for (const piece of lists(rowids)) {
    for (const { rowid, subject, from_json, date } of await factsAt(db, account, piece)) {
      const from = addressesOf(from_json)
      found.set(rowid, { rowid, subject, from, date, isFlagged: false, isAnswered: false, folders: [] })
    }
    for (const { message, folder, flagged, answered } of await placesAt(db, account, piece)) {
      const facts = found.get(message)
      if (!facts) continue
      facts.isFlagged ||= flagged === 1
      facts.isAnswered ||= answered === 1
      // The same message may be in a folder twice.
      if (!facts.folders.includes(folder)) facts.folders.push(folder)
    }
  }
  return rowids.map(rowid => found.get(rowid)).filter(facts => facts !== undefined)
}

/** Phrases of the query that are scored in the subject and in the sender. */
interface Wanted {
  subject: Phrase[]
  sender: Phrase[]
}

export class Ranking {
  readonly #wanted: Wanted = { subject: [], sender: [] }
  readonly #now: number

  /** @param now Time in milliseconds, the same for all pages of a search. */
  constructor(tree: SearchNode, now: number) {
    this.#now = now
    this.#collect(tree)
  }

  scoreOf({ subject, from, date, isFlagged, isAnswered }: HitFacts): number {
    const people = from.map(({ name, email }) => `${name ?? ''} ${email}`).join('\n')
    const age = Math.max(this.#now - date, 0) / dayMs
    const score =
      weights.subject * shareOf(this.#wanted.subject, subject) +
      weights.sender * shareOf(this.#wanted.sender, people) +
      weights.recency * 2 ** (-age / halfLife) +
      weights.flagged * Number(isFlagged) +
      weights.answered * Number(isAnswered)
    // Rounded so that nearly equal scores are tied, and the newer hit comes first.
    return Math.round(score * 1000) / 1000
  }

  #collect(node: SearchNode): void {
    if (node.kind === 'and' || node.kind === 'or') for (const each of node.nodes) this.#collect(each)
    if (!('text' in node)) return
    const phrase = phraseOf(node.text, node.isPrefix)
    if (!phrase) return
    if (node.kind === 'text' || node.kind === 'subject') this.#wanted.subject.push(phrase)
    if (node.kind === 'text' || node.kind === 'from') this.#wanted.sender.push(phrase)
  }
}

/** Returns the fraction of the phrases that the text contains. */
function shareOf(phrases: readonly Phrase[], text: string): number {
  if (phrases.length === 0) return 0
  const words = tokensOf(text, 200)
  return phrases.filter(phrase => placeOf(phrase, words, 0) !== -1).length / phrases.length
}

/** Returns the index at which a phrase begins in a list of words, searching from an index on; -1 if it is not found. */
export function placeOf({ words, isPrefix }: Phrase, text: readonly string[], from: number): number {
  const last = words.length - 1
  for (let at = from; at + last < text.length; at++) {
    let index = 0
    while (index < last && text[at + index] === words[index]) index++
    if (index < last) continue
    const end = text[at + last]!
    if (isPrefix ? end.startsWith(words[last]!) : end === words[last]) return at
  }
  return -1
}

export function facetsOf(facts: readonly HitFacts[], paths: ReadonlyMap<number, string>): SearchFacets {
  const [folders, years] = [new Map<number, number>(), new Map<number, number>()]
  const senders = new Map<string, SearchFacets['senders'][number]>()
  const count = (counts: Map<number, number>, key: number) => counts.set(key, (counts.get(key) ?? 0) + 1)
  for (const { from, date, folders: places } of facts) {
    for (const folder of places) count(folders, folder)
    count(years, new Date(date).getUTCFullYear())
    const sender = from[0]
    if (!sender) continue
    const email = lowerAscii(sender.email)
    const known = senders.get(email)
    if (known) known.count++
    else senders.set(email, { email, name: sender.name, count: 1 })
  }
  const most = <Item extends { count: number }>(items: Item[]) => items.sort((one, other) => other.count - one.count)
  return {
    folders: most(
      [...folders].flatMap(([id, times]) => (paths.has(id) ? [{ path: paths.get(id)!, count: times }] : [])),
    ),
    senders: most([...senders.values()]).slice(0, mostSenders),
    years: [...years].map(([year, times]) => ({ year, count: times })).sort((one, other) => other.year - one.year),
  }
}
