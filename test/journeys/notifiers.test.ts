/**
 * A running server notifies people of an alert, also if it is killed midway, and reports the outcome of a test notice.
 */
import { expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { startNoticeStandIn } from '../support/notice-stand-ins.ts'
import { patience } from '../support/patience.ts'
import { type Served, startHere, startRustyMail } from '../support/rustymail.ts'
import { tempDir } from '../support/temp-dir.ts'

test('an alert is delivered over real services, also if the process is killed meanwhile, with the same id; so is its end', async () => {
  const dir = tempDir('notifiers')
  onTestFinished(() => dir.remove())
  const dataDir = `${dir.path}/data`
  const [hook, phone] = [await startNoticeStandIn('webhook'), await startNoticeStandIn('ntfy')]
  const killed = await startRustyMail({ dataDir })
  let run: Served = killed
  const create = async (name: string, target: object, more: object = {}) =>
    (
      await run.call(api.notifiers.createNotifier, {
        body: { name, target, min_severity: 'info', rule_ids: [rule.id], group_seconds: 0, ...more } as never,
      })
    ).notifier
  const rule = await run.call(api.alerts.createAlertRule, {
    body: {
      ...{ name: 'It is asked', series: 'requests', aggregation: 'sum', window_seconds: 600 },
      ...{ comparison: 'above', threshold: 0, severity: 'info' },
    } as never,
  })
  hook.always = 'hang'
  const came = new Promise<void>(resolve => {
    hook.onAsked = resolve
  })
  const first = await create('Hook', hook.target)
  const ntfy = await create('Phone', phone.target)
  const params = { notifier_id: ntfy.id }
  expect(await run.call(api.notifiers.testNotifier, { params })).toMatchObject({ outcome: 'delivered', status: 200 })
  // A webhook that hangs does not delay the phone.
  const titles = () => phone.taken.map(({ text }) => text.split('\n')[0]).sort()
  await expect.poll(titles, { timeout: patience }).toEqual(['A test of RustyMail', 'Notice: It is asked'])
  expect(phone.taken.at(-1)!.text).toMatch(/http:\/\/[^ ]+\/alerts$/)
  await came
  await killed.stop('SIGKILL')

  hook.always = undefined
  run = await startHere({ dataDir })
  await expect.poll(() => hook.taken.length, { timeout: patience }).toBe(1)
  const ids = hook.ids
  expect(ids.length).toBeGreaterThan(1)
  expect(new Set(ids).size).toBe(1)
  await run.call(api.alerts.deleteAlertRule, { params: { rule_id: rule.id } })
  const ends = () => [hook, phone].map(({ taken }) => taken.at(-1)!.text.split('\n')[0])
  await expect.poll(ends, { timeout: patience }).toEqual(['Over: It is asked', 'Over: It is asked'])
  // Written after its response.
  const deliveries = async () => {
    const { items } = await run.call(api.notifiers.listNotifierDeliveries, { params: { notifier_id: first.id } })
    return items.map(({ outcome, title }) => [outcome, title])
  }
  await expect.poll(deliveries, { timeout: patience }).toEqual([
    ['delivered', 'Over: It is asked'],
    ['delivered', 'Notice: It is asked'],
  ])
  expect([...hook.faults, ...phone.faults]).toEqual([])
})
