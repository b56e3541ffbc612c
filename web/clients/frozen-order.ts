/** Freezes the order of rows while they are hovered: values update in place, removed rows are marked, new ones wait. */

export interface FrozenRows<Row> {
  rows: Row[]
  /** Ids of shown rows that no longer exist. */
  gone: ReadonlySet<string>
  /** Number of new rows that are not shown yet. */
  waiting: number
}

export function frozenRows<Row extends { id: string }>(shown: readonly Row[], fresh: readonly Row[]): FrozenRows<Row> {
  const byId = new Map(fresh.map(row => [row.id, row]))
  const shownIds = new Set(shown.map(({ id }) => id))
  return {
    rows: shown.map(row => byId.get(row.id) ?? row),
    gone: new Set(shown.filter(({ id }) => !byId.has(id)).map(({ id }) => id)),
    waiting: fresh.filter(({ id }) => !shownIds.has(id)).length,
  }
}
