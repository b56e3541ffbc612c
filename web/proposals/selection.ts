/** The selected items of a proposal with the hashes they were reviewed under; changed items must be selected again. */
import type { ProposalItem } from '../../contract/proposal.ts'
import { isDeletion } from './proposal-words.ts'

export type Choosable = Pick<ProposalItem, 'id' | 'kind' | 'operation' | 'state' | 'hash' | 'needs_first' | 'can'>

export interface Selection {
  /** The hash that each selected item was reviewed under. */
  chosen: ReadonlyMap<string, string>
  /** The hash that each item on screen has. */
  known: ReadonlyMap<string, string>
  /** Items that appeared or changed while the page was open, until the user selects. */
  news: ReadonlyMap<string, 'new' | 'changed'>
}

export function isWaiting({ state }: Pick<ProposalItem, 'state'>): boolean {
  return state === 'waiting'
}

export function mayApply({ state, can }: Pick<ProposalItem, 'state' | 'can'>): boolean {
  return state === 'waiting' && can.includes('apply')
}

/** Returns the initial selection: everything that can be applied, but no deletions, and nothing that depends on one. */
export function openingOf(items: readonly Choosable[]): Selection {
  const isApt = (item: Choosable) => mayApply(item) && !isDeletion(item)
  const apt = items.filter(item => isApt(item) && neededBy(items, item.id).every(isApt))
  return {
    chosen: new Map(apt.map(({ id, hash }) => [id, hash])),
    known: new Map(items.map(({ id, hash }) => [id, hash])),
    news: new Map(),
  }
}

/** Updates the selection after the server sent other items; returns the same object if nothing is new. */
export function follow(before: Selection, items: readonly Choosable[]): Selection {
  const news = new Map(before.news)
  const lost = new Set<string>()
  let isSame = before.known.size === items.length
  for (const item of items) {
    const known = before.known.get(item.id)
    if (known !== item.hash) {
      isSame = false
      lost.add(item.id)
      news.set(item.id, known === undefined ? 'new' : 'changed')
    }
    if (!isWaiting(item) && (before.chosen.has(item.id) || before.news.has(item.id))) {
      isSame = false
      lost.add(item.id)
      news.delete(item.id)
    }
  }
  if (isSame) return before
  const waiting = new Set(items.filter(isWaiting).map(({ id }) => id))
  // Items that need a changed one must be reviewed again with it; those that need a completed one stay selected.
  const gone = new Set([...lost].flatMap(id => [id, ...(waiting.has(id) ? needing(items, id) : [])]))
  const chosen = new Map([...before.chosen].filter(([id]) => waiting.has(id) && !gone.has(id)))
  const known = new Map(items.map(({ id, hash }) => [id, hash]))
  return { chosen, known, news: new Map([...news].filter(([id]) => waiting.has(id))) }
}

export function toggle(before: Selection, items: readonly Choosable[], id: string): Selection {
  return choose(before, items, [id], !before.chosen.has(id))
}

/** Selects or deselects an item: selecting adds what it needs first, deselecting removes what needs it. */
export function choose(
  before: Selection,
  items: readonly Choosable[],
  ids: readonly string[],
  isChosen: boolean,
): Selection {
  const chosen = new Map(before.chosen)
  const news = new Map(before.news)
  const withIt = (id: string) => (isChosen ? neededBy(items, id).map(item => item.id) : needing(items, id))
  const touched = new Set(ids.flatMap(id => [id, ...withIt(id)]))
  for (const { id, hash } of items.filter(item => isWaiting(item) && touched.has(item.id))) {
    news.delete(id)
    if (isChosen) chosen.set(id, hash)
    else chosen.delete(id)
  }
  return { ...before, chosen, news }
}

/** Returns the request: each item with the hash it was reviewed under. */
export function namesOf(
  { chosen }: Pick<Selection, 'chosen'>,
  items: readonly Choosable[],
): { id: string; hash: string }[] {
  return items.flatMap(({ id }) => {
    const hash = chosen.get(id)
    return hash === undefined ? [] : [{ id, hash }]
  })
}

/** Returns whether all, some or none of the items are selected. */
export function shareOf({ chosen }: Selection, items: readonly Choosable[]): 'all' | 'some' | 'none' {
  const count = items.filter(({ id }) => chosen.has(id)).length
  if (count === 0) return 'none'
  return count === items.length ? 'all' : 'some'
}

/** Returns the pending items that this one needs, transitively. */
function neededBy(items: readonly Choosable[], id: string): Choosable[] {
  const byId = new Map(items.map(item => [item.id, item]))
  const found = new Set<string>()
  const visit = (each: string) => {
    for (const need of byId.get(each)?.needs_first ?? []) {
      const item = byId.get(need)
      if (!item || !isWaiting(item) || found.has(need) || need === id) continue
      found.add(need)
      visit(need)
    }
  }
  visit(id)
  return [...found].map(each => byId.get(each)!)
}

/** Returns the pending items that need this one, transitively. */
function needing(items: readonly Choosable[], id: string): string[] {
  return items
    .filter(item => item.id !== id && isWaiting(item) && neededBy(items, item.id).some(each => each.id === id))
    .map(item => item.id)
}
