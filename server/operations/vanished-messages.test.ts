/** Messages that another program removes while they are changed: the others are changed, and looking again has an end. */
import { expect, test } from 'vitest'
import { startOperations } from '../../test/support/operation-world.ts'
import { MessagesVanished } from '../imap/gateway-capabilities.ts'

async function filled() {
  const world = await startOperations()
  for (const subject of ['one', 'two']) world.gateway.deliver({ subject, messageId: `<${subject}@test.local>` })
  return { world, ids: world.refsIn('INBOX') }
}

test('those that still exist are changed after another look', async () => {
  const { world, ids } = await filled()
  let refusals = 0
  world.gateway.delay = step => {
    if (step !== 'setFlags' || refusals > 0) return
    refusals++
    world.gateway.getFolder('INBOX').messages.splice(0, 1)
    throw new MessagesVanished('NO [EXPUNGEISSUED] some messages are gone')
  }
  const { state, counts } = await world.run({ kind: 'flags', ids, add: ['seen'] })
  expect([state, counts.done, refusals, world.in('INBOX')]).toEqual(['partial', 1, 1, ['two seen']])
})

test('a server that refuses every time is not asked without end', async () => {
  const { world, ids } = await filled()
  let refusals = 0
  world.gateway.delay = step => {
    if (step !== 'setFlags') return
    refusals++
    throw new MessagesVanished('NO [EXPUNGEISSUED] some messages are gone')
  }
  const { state, results } = await world.run({ kind: 'flags', ids, add: ['seen'] })
  expect([state, results.map(({ code }) => code)]).toEqual(['failed', ['mail_server_refused', 'mail_server_refused']])
  expect(refusals).toBeLessThan(20)
})
