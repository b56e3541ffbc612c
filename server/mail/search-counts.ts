/** How many messages a search found in all accounts, and how they are spread. */
import type { SearchFacets } from '../../contract/mail-search.ts'
import type { AccountFindings } from './account-findings.ts'

const mostSenders = 20

export function countsOf(counts: boolean, found: readonly AccountFindings[]) {
  if (!counts) return { total: null, is_total_exact: null, facets: null }
  const totals = found.map(({ total }) => total)
  return {
    total: totals.reduce((sum, total) => sum + (total?.count ?? 0), 0),
    is_total_exact: totals.every(total => total?.isExact !== false) && found.every(each => each.coverage.is_complete),
    facets: mergedFacets(found.flatMap(({ facets }) => facets ?? [])),
  }
}

function mergedFacets(all: readonly SearchFacets[]): SearchFacets {
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
