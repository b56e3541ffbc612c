/** What a running server did is in its history, also after a restart, for callers that may see it. */
import { expect, onTestFinished, test } from 'vitest'
import type { History } from '../../contract/history.ts'
import { api } from '../../contract/index.ts'
import { patience } from '../support/patience.ts'
import { startHere } from '../support/rustymail.ts'
import { tempDir } from '../support/temp-dir.ts'

test('requests are counted to the last one, over a restart, with a mark where it was', async () => {
  const dir = tempDir('history')
  onTestFinished(() => dir.remove())
  const dataDir = `${dir.path}/data`
  const from = new Date(Date.now() - 60_000).toISOString()
  const { path } = api.history.getHistory
  const run = await startHere({ dataDir })
  const history = (served: typeof run, query: Record<string, string>) =>
    served.call(api.history.getHistory, { query: { from, ...query } as never }) as Promise<History>
  const before = await history(run, { series: 'requests' })
  for (let count = 0; count < 25; count++) await run.call(api.metrics.getStats)
  const requests = async (served: typeof run) => {
    const { groups } = await history(served, { series: 'requests' })
    return groups[0]?.total.sum[0] ?? 0
  }
  const first = before.groups[0]?.total.sum[0] ?? 0
  // The history requests count as well.
  await expect.poll(() => requests(run), { timeout: patience }).toBeGreaterThanOrEqual(first + 25)
  const slow = await history(run, { series: 'operation_time', group_by: 'operation', step: '1m' })
  const stats = slow.groups.find(({ label }) => label === 'metrics.getStats')!
  expect(stats.total.count[0]).toBe(25)
  expect(stats.total.p95![0]).toBeGreaterThan(0)
  expect(stats.total.p95![0]).toBeLessThanOrEqual(stats.total.max[0]!)
  const newest = async (name: string, groupBy?: string) => {
    const { groups } = await history(run, { series: name, ...(groupBy ? { group_by: groupBy } : {}) })
    return Object.fromEntries(groups.map(({ label, points }) => [label ?? '', points.max.at(-1)]))
  }
  // Read from the database when sampled, instead of counted as they happen.
  await expect.poll(() => newest('queue', 'queue'), { timeout: patience }).toMatchObject({ outbox: 0, approvals: 0 })
  await expect.poll(async () => (await newest('database_size'))[''], { timeout: patience }).toBeGreaterThan(100_000)
  const counted = await requests(run)
  await run.stop()

  const again = await startHere({ dataDir })
  onTestFinished(async () => void (await again.stop()))
  const after = await history(again, { series: 'requests', step: '1m' })
  expect(after.groups[0]!.total.sum[0]).toBeGreaterThanOrEqual(counted)
  const restarts = async () => (await history(again, { series: 'up' })).marks.filter(({ kind }) => kind === 'restart')
  await expect.poll(async () => (await restarts()).length, { timeout: patience }).toBe(2)
  const { items } = await again.call(api.history.listHistorySeries)
  expect(items.map(({ name }) => name)).toContain('mail_received')
  expect(path).toBe('/api/dashboard/metrics/history')
})
