/** Totals and facets of a search over all accounts. */
import type { SearchFacets } from '../../contract/mail-search.ts'
import type { AccountFacets, AccountFindings } from './account-findings.ts'

const mostSenders = 20

export function countsOf(counts: boolean | 'total', found: readonly AccountFindings[]) {
  if (!counts) return { total: null, is_total_exact: null, facets: null }
  const totals = found.map(({ total }) => total)
  const total = totals.reduce((sum, each) => sum + (each?.count ?? 0), 0)
  const isExact = totals.every(each => each?.isExact !== false) && found.every(each => each.coverage.is_complete)
  if (counts === 'total') return { total, is_total_exact: isExact, facets: null }
  const counted = found.reduce((sum, each) => sum + each.counted, 0)
  return {
    total,
    is_total_exact: isExact,
    // Excludes messages that only mail servers found.
    facets: {
      ...mergedFacets(found.flatMap(({ facets }) => facets ?? [])),
      counted,
      is_complete: isExact && counted === total,
    },
  }
}

function mergedFacets(all: readonly AccountFacets[]): AccountFacets {
  const senders = new Map<string, SearchFacets['senders'][number]>()
  const years = new Map<number, number>()
  for (const facets of all) {
    for (const sender of facets.senders) {
      const known = senders.get(sender.email)
      senders.set(sender.email, { ...sender, count: sender.count + (known?.count ?? 0) })
    }
    for (const { year, count } of facets.years) years.set(year, count + (years.get(year) ?? 0))
  }
  const most = <Item extends { count: number }>(items: Item[]) => items.sort((one, other) => other.count - one.count)
  return {
    folders: most(all.flatMap(({ folders }) => folders)),
    senders: most([...senders.values()]).slice(0, mostSenders),
    years: [...years].map(([year, count]) => ({ year, count })).sort((one, other) => other.year - one.year),
  }
}
