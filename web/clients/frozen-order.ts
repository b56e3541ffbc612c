/** Keeps rows where they are while somebody points at them: values change in place, rows that go are marked, new ones wait. */

export interface FrozenRows<Row> {
  rows: Row[]
  /** Ids of rows that are shown but no longer there. */
  gone: ReadonlySet<string>
  /** How many wait to be shown. */
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
