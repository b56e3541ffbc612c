/** A running server raises the alerts of its rules, reports them, and shows what a rule would have done. */
import { expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { patience } from '../support/patience.ts'
import { startHere } from '../support/rustymail.ts'
import { tempDir } from '../support/temp-dir.ts'

test('a rule fires on what happens, is acknowledged and silenced, and goes with its rule; a restart keeps it', async () => {
  const dir = tempDir('alerts')
  onTestFinished(() => dir.remove())
  const dataDir = `${dir.path}/data`
  let run = await startHere({ dataDir })
  const firing = async () =>
    (await run.call(api.alerts.listAlerts, { query: { state: 'firing', limit: 50 } as never })).items
  const { items: starters } = await run.call(api.alerts.listAlertRules)
  expect(starters.map(({ id }) => id)).toContain('starter-account-away')
  expect(starters.every(({ words }) => words.startsWith('Fires when'))).toBe(true)
  expect(starters.find(({ id }) => id === 'starter-approvals-waiting')!.words).toBe(
    'Fires when the lowest value of the number of messages that have waited for approval for more than 30 min over 1 min is above 0.',
  )
  const rule = {
    ...{ name: 'It is asked', series: 'requests', aggregation: 'sum', window_seconds: 600 },
    ...{ comparison: 'above', threshold: 0, severity: 'info' },
  }
  const made = await run.call(api.alerts.createAlertRule, { body: rule as never })
  await expect
    .poll(async () => (await firing()).map(({ name }) => name), { timeout: patience })
    .toEqual(['It is asked'])
  const [alert] = await firing()
  const params = { alert_id: alert!.id }
  expect((await run.call(api.alerts.acknowledgeAlert, { params })).acknowledged_by).not.toBeNull()
  const silenced = await run.call(api.alerts.silenceAlert, { params, body: { seconds: 3_600 } })
  expect(silenced.silenced_until).not.toBeNull()
  await run.stop()

  run = await startHere({ dataDir })
  onTestFinished(async () => void (await run.stop()))
  expect(await firing()).toMatchObject([{ id: alert!.id, acknowledged_by: expect.any(String) }])
  const from = new Date(Date.now() - 600_000).toISOString()
  const tried = await run.call(api.alerts.backTestRule, { body: { rule, from } as never })
  expect(tried.fired).toBeGreaterThan(0)
  expect(tried.instances[0]!.values.length).toBe(tried.instances[0]!.at.length)
  await run.call(api.alerts.deleteAlertRule, { params: { rule_id: made.id } })
  await expect.poll(async () => (await firing()).length, { timeout: patience }).toBe(0)
  const told = async () => {
    const query = { types: 'alert_raised,alert_cleared', limit: 10 } as never
    const { items } = await run.call(api.events.listFacts, { query })
    return items.map(({ type }) => type).reverse()
  }
  await expect.poll(told, { timeout: patience }).toEqual(['alert_raised', 'alert_cleared'])
  const marks = async () => {
    const { marks: all } = await run.call(api.history.getHistory, { query: { series: 'up', from } as never })
    return all.filter(({ kind }) => kind === 'alert').map(({ words }) => words.slice(0, 11))
  }
  await expect.poll(marks, { timeout: patience }).toEqual(['It is asked', 'Over: It is'])
})
