import { expect, test } from 'vitest'
import { HistoryMarks } from './history-marks.ts'
import type { MarkRow } from './history-tables.ts'

test('of a storm of marks so many are stored, together, and the log says once how many were left out', async () => {
  const stored: (readonly MarkRow[])[] = []
  const said: unknown[] = []
  const logger = { warn: (fields: unknown) => void said.push(fields) }
  const store = {
    addMarks: async (rows: readonly MarkRow[]) => void stored.push(rows),
  }
  const marks = new HistoryMarks({ store, hub: { listen: () => () => undefined }, logger: logger as never })
  const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString()
  for (let second = 0; second < 1_000; second++) marks.add('token', at(second), 'The token was made.')
  expect(marks.waiting).toHaveLength(200)
  await marks.stop()
  expect(stored.map(({ length }) => length)).toEqual([200])
  expect(said).toEqual([{ left_out: 800 }])
  expect(marks.waiting).toEqual([])
})
