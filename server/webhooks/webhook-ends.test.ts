/** What ends while a message is under way: the lease, the endpoint, the process. */
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { memoryDatabase } from '../../test/support/databases.ts'
import { patience } from '../../test/support/patience.ts'
import { answer, hang, type SinkAnswer } from '../../test/support/webhook-sink.ts'
import { reader, webhookWorld } from '../../test/support/webhook-world.ts'

const message = { id: 'evt', body: JSON.stringify({ uid: 1 }) }

test('a process that lost its lease prepares nothing, and goes on where it was once it has it again', async () => {
  let [hasLease, looks] = [true, 0]
  const prepared: number[] = []
  const { add, deliver, until } = await webhookWorld(await memoryDatabase(), {
    hasLease: () => {
      looks++
      return hasLease
    },
    kind: {
      messageOf: async (_row, _principal, { number, fact }) => {
        const uid = fact.type === 'mail_received' ? fact.data.uid : 0
        prepared.push(uid)
        return { id: `evt_${number}`, body: JSON.stringify({ uid }) }
      },
    },
  })
  const one = await add('one')
  await deliver(1)
  await until(one, 1)
  hasLease = false
  const before = looks
  await deliver(2)
  await vi.waitFor(() => expect(looks).toBeGreaterThan(before))
  for (let turns = 0; turns < 5; turns++) await turn()
  expect(prepared).toEqual([1])
  hasLease = true
  await deliver(3)
  await until(one, 1, 2, 3)
})

test('an endpoint that is removed while its message is prepared is sent nothing', async () => {
  const [begun, prepared] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const { add, deliver, until, engine, sink } = await webhookWorld(await memoryDatabase(), {
    kind: {
      messageOf: async ({ id }) => {
        if (id !== 'endpoint-1') return message
        begun.resolve()
        await prepared.promise
        return message
      },
    },
  })
  const [one, two] = [await add('one'), await add('two')]
  await deliver(1)
  await begun.promise
  await engine.remove(one.id)
  prepared.resolve()
  await deliver(2)
  await until(two, 1, 1)
  expect(sink.of(one)).toEqual([])
})

test('an attempt that the end of the process cuts has no outcome', async () => {
  const { add, deliver, sink, stop, store, results } = await webhookWorld(await memoryDatabase())
  const one = await add('one')
  sink.always.set(one.path, hang)
  await deliver(1)
  await vi.waitFor(() => expect(sink.asked).toContain(one.path))
  await stop()
  expect(results).toEqual([])
  expect(await store.find(one.id)).toMatchObject({ failures: 0, failing_since: null })
})

/** An answer that is given when `release` is called; `asked` resolves once it is waited for. */
function held(status: number) {
  const [asked, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const later: SinkAnswer = (response, request) => {
    asked.resolve()
    void released.promise.then(() => answer(status)(response, request))
  }
  return { later, asked: asked.promise, release: released.resolve }
}

test.each([200, 500])('the answer %i to an attempt from before a restart counts for nothing', async status => {
  const { add, deliver, until, sink, engine, store, log, results } = await webhookWorld(await memoryDatabase())
  const one = await add('one')
  const { later, asked, release } = held(status)
  sink.answers.set(one.path, [later])
  await deliver(1, 2)
  await asked
  expect(await engine.restart(one.id, { place: log.newest - 1 }, reader())).toBe(true)
  await until(one, 2)
  await vi.waitFor(() => expect(results).toEqual(['delivered']), patience)
  release()
  await deliver(3)
  await until(one, 2, 3)
  await engine.stop()
  expect(results).toEqual(['delivered', 'delivered'])
  expect(await store.find(one.id)).toMatchObject({ place: log.newest, failures: 0 })
})

test('an endpoint that ends while a message is refused is told of its end at once', async () => {
  const { add, deliver, until, sink, engine, results } = await webhookWorld(await memoryDatabase())
  const one = await add('one')
  const { later, asked, release } = held(500)
  sink.answers.set(one.path, [later])
  await deliver(1)
  await asked
  engine.revoked('token-1')
  release()
  await until(one, 'forbidden')
  await vi.waitFor(() => expect(results).toEqual(['ended']), patience)
})

test('the place of an endpoint that is told nothing follows the log', async () => {
  const { add, deliver, log, store } = await webhookWorld(await memoryDatabase())
  const one = await add('one')
  await deliver(...Array.from({ length: 1_000 }, () => 9))
  await vi.waitFor(async () => expect((await store.find(one.id))!.place).toBe(log.newest), patience)
})
