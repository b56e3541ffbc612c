/** Operations on folders that meet a stop switch, a lost connection, or a mail server that stays away. */
import { expect, test, vi } from 'vitest'
import { agent, signal, startOperations } from '../../test/support/operation-world.ts'
import { UnknownOutcome } from '../imap/gateway-capabilities.ts'
import { Problem } from '../platform/problem.ts'

type World = Awaited<ReturnType<typeof startOperations>>
const lost = () => new Problem('mail_server_unreachable', 'The connection was lost.', { fault: 'closed' })
const create = (world: World, folder = 'New') =>
  world.folders.accept(agent, 'a', { kind: 'create_folder', folder }, signal)

/** Makes commands fail by name, so many times each. @returns The names of all commands. */
function failing({ gateway }: World, times: Record<string, number>): string[] {
  const steps: string[] = []
  gateway.delay = step => {
    steps.push(step)
    if ((times[step] ?? 0) > 0) {
      times[step]!--
      throw lost()
    }
  }
  return steps
}

test('a change that is stopped at the last moment is not sent, and waits until it is let go', async () => {
  const isHeld = vi.fn(async () => true).mockResolvedValueOnce(false)
  const world = await startOperations({ queue: { isHeld } })
  const steps = failing(world, {})
  const { id } = await create(world)
  await expect.poll(() => isHeld.mock.calls.length).toBeGreaterThan(2)
  const [item] = await world.store.items(id)
  expect([item!.state, steps.includes('createFolder')]).toEqual(['waiting', false])
  expect((await world.store.find(id))?.error).toBeNull()
  isHeld.mockResolvedValue(false)
  world.lookAgain()
  expect((await world.settled(id)).state).toBe('done')
  expect(steps.filter(step => step === 'createFolder').length).toBe(1)
})

test('a change that was not sent is sent again, and says meanwhile what it waits for', async () => {
  const world = await startOperations()
  const steps = failing(world, { createFolder: 1 })
  const states: string[][] = []
  const { update } = world.store
  const noted = vi.spyOn(world.store, 'update').mockImplementation(async (...given) => {
    states.push((await world.store.items(given[1], given[0])).map(({ state }) => state))
    return update.apply(world.store, given)
  })
  const { id } = await create(world)
  expect((await world.settled(id)).state).toBe('done')
  const errors = noted.mock.calls.map(([, , { error }]) => error)
  expect(states[errors.indexOf('The connection was lost.')]).toEqual(['waiting'])
  expect(steps.filter(step => step === 'createFolder').length).toBe(2)
})

test('a folder whose subscription failed after a lost answer is subscribed to later', async () => {
  const world = await startOperations()
  const steps = failing(world, { 'createFolder answered': 1, setSubscribed: 2 })
  const { id } = await create(world)
  expect((await world.settled(id)).state).toBe('done')
  expect(steps.filter(step => step === 'createFolder').length).toBe(1)
  expect(steps.filter(step => step === 'setSubscribed').length).toBe(3)
})

test('what was never sent is given up as failed, and what may have been done as unknown', async () => {
  const world = await startOperations({ queue: { giveUpMs: 0 } })
  failing(world, { createFolder: 1 })
  const failed = await world.settled((await create(world, 'One')).id)
  expect(failed).toMatchObject({ state: 'failed', results: [{ code: 'gave_up', why: 'The connection was lost.' }] })
  let isLost = false
  world.gateway.delay = step => {
    isLost ||= step === 'createFolder answered'
    if (isLost) throw lost()
  }
  const unknown = await world.settled((await create(world, 'Two')).id)
  expect(unknown.results).toMatchObject([{ state: 'unknown', why: 'The connection was lost.' }])
})

test('a change that was confirmed by nothing and not done is tried again after a pause', async () => {
  const world = await startOperations({ queue: { backoff: { firstMs: 3_600_000, maxMs: 3_600_000, random: () => 1 } } })
  let sent = 0
  world.gateway.delay = step => {
    if (step !== 'createFolder') return
    sent++
    throw new UnknownOutcome(lost())
  }
  const { id } = await create(world)
  await expect.poll(() => sent).toBeGreaterThan(0)
  // An attempt without a pause would be among these.
  for (let turn = 0; turn < 60; turn++) await world.store.find(id)
  // The news of its acceptance may end the first pause.
  expect(sent).toBeLessThanOrEqual(2)
})
