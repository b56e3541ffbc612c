/** The copy of what was sent: once in the folder of sent messages, also after a lost answer, and none beside that of the provider. */
import { expect, test } from 'vitest'
import { startOutbox } from '../../test/support/outbox-world.ts'
import { UnknownOutcome } from '../imap/gateway-capabilities.ts'
import { Problem } from '../platform/problem.ts'

const lost = () => new Problem('mail_server_unreachable', 'The connection was lost.', { fault: 'closed' })
type World = Awaited<ReturnType<typeof startOutbox>>

const copiesIn = ({ gateway }: World, path = 'Sent') =>
  gateway.getFolder(path).messages.map(({ messageId, flags }) => [messageId, ...flags].join(' '))

const login = (host: string) => ({ host, port: 587, tls: 'starttls', user: 'me', password: 'secret' }) as const

test('what was sent is saved as seen, and told apart from its delivery', async () => {
  const world = await startOutbox()
  const { submit, until, untilCopy, facts, noticed } = world
  const { id, message_id } = await submit()
  await until(id, 'sent')
  expect(await untilCopy(id, 'saved')).toEqual({ state: 'saved', folder: 'Sent', why: null })
  expect(copiesIn(world)).toEqual([`${message_id} seen`])
  expect(facts.map(({ state, sent_copy }) => `${state} ${sent_copy}`)).toEqual([
    'queued none',
    'sending none',
    'sent waiting',
    'sent saved',
  ])
  expect(noticed).toEqual(['Sent'])
})

test('a message that failed, or whose outcome is unknown, has no copy', async () => {
  const world = await startOutbox()
  const { submit, until, senders } = world
  senders.server = { message: ({ envelope }) => (envelope.to[0] === 'x@there.test' ? 'lose' : '554 no') }
  for (const to of ['x@there.test', 'y@there.test']) {
    const { id } = await submit({ to: [to] })
    expect((await until(id, to === 'x@there.test' ? 'unknown' : 'failed')).sent_copy.state).toBe('none')
  }
  expect(copiesIn(world)).toEqual([])
})

test('after a lost answer it is looked for, and not put there twice', async () => {
  const world = await startOutbox()
  const { submit, untilCopy, gateway, clock } = world
  let appends = 0
  gateway.delay = step => {
    if (step === 'append') appends++
    if (step === 'append answered' && appends === 1) throw lost()
  }
  const first = await submit()
  await untilCopy(first.id, 'saved')
  expect([appends, copiesIn(world).length]).toEqual([1, 1])
  // Failed before it got there: the next attempt appends it.
  gateway.delay = step => {
    if (step !== 'append') return
    appends++
    if (appends === 2) throw new UnknownOutcome(lost())
  }
  const second = await submit()
  await expect.poll(() => appends).toBeGreaterThan(1)
  await expect
    .poll(() => {
      clock.advance(60_000)
      return copiesIn(world).length
    })
    .toBe(2)
  await untilCopy(second.id, 'saved')
  expect(appends).toBe(3)
})

test('a copy that was sent to the mail server before a restart is found after it', async () => {
  const world = await startOutbox()
  const { submit, until, untilCopy, gateway, store, hub, stop, start } = world
  let isStuck = true
  gateway.delay = step => (isStuck && step === 'listFolders' ? Promise.reject(lost()) : undefined)
  const { id, message_id } = await submit()
  await until(id, 'sent')
  await stop()
  isStuck = false
  const { uidValidity, uidNext } = gateway.getFolder('Sent')
  const copy_intent = JSON.stringify({ folder: 'Sent', uidValidity, uidNext })
  const copy_due_at = '2026-11-29T00:00:00.000Z'
  await hub.transact(transaction => store.changeCopy(transaction, id, { copy_intent, copy_due_at }))
  gateway.deliver({ messageId: message_id, flags: ['seen'] }, 'Sent')
  await start()
  await untilCopy(id, 'saved')
  expect(copiesIn(world)).toHaveLength(1)
})

test('a mail server that is away gets it later; one that refuses it is asked some times', async () => {
  const world = await startOutbox()
  const { submit, until, untilCopy, gateway, clock } = world
  let isAway = true
  gateway.delay = step => (isAway && step === 'append' ? Promise.reject(lost()) : undefined)
  const { id } = await submit()
  await until(id, 'sent')
  await expect.poll(async () => (await world.get(id)).sent_copy.why).toBeTruthy()
  isAway = false
  await expect
    .poll(() => {
      clock.advance(60_000)
      return copiesIn(world).length
    })
    .toBe(1)
  await untilCopy(id, 'saved')
  gateway.delay = step => {
    if (step === 'append') throw new Problem('mail_server_refused', 'The mail server refused: over quota.')
  }
  const full = await submit()
  await until(full.id, 'sent')
  await expect
    .poll(async () => {
      clock.advance(60 * 60_000)
      return (await world.get(full.id)).sent_copy.state
    })
    .toBe('failed')
  expect((await world.get(full.id)).sent_copy.why).toMatch(/over quota/)
})

test('an account without such a folder says so', async () => {
  const world = await startOutbox()
  world.gateway.folders.delete('Sent')
  const { id } = await world.submit()
  expect((await world.untilCopy(id, 'failed')).why).toMatch(/no folder/)
})

test('a provider that saves it by itself is only looked at', async () => {
  const world = await startOutbox({ queue: { loginOf: async () => login('smtp.gmail.com') } })
  const { submit, until, untilCopy, gateway, clock, senders } = world
  senders.server = { message: ({ bytes }) => void gateway.deliver({ messageId: idIn(bytes) }, 'Sent') }
  const { id } = await submit()
  expect(await untilCopy(id, 'by_provider')).toMatchObject({ folder: 'Sent', why: null })
  expect(copiesIn(world)).toHaveLength(1)
  senders.server = {}
  const missing = await submit({ subject: 'not there' })
  await until(missing.id, 'sent')
  await expect
    .poll(async () => {
      clock.advance(15 * 60_000)
      return (await world.get(missing.id)).sent_copy.state
    })
    .toBe('failed')
  expect(copiesIn(world)).toHaveLength(1)
})

test('the message that it answers is marked, and that which it forwards', async () => {
  const world = await startOutbox()
  const { submit, untilCopy, gateway, refs } = world
  const refOf = (subject: string) => {
    const uid = gateway.deliver({ subject })
    return refs.encode('a', { folder: 'INBOX', uidValidity: gateway.getFolder('INBOX').uidValidity, uid })
  }
  const answers = { messageId: '<1@there.test>', threadId: null, isForward: false }
  const reply = await submit({ answers: { ...answers, ref: refOf('one') } })
  const forward = await submit({ answers: { ...answers, ref: refOf('two'), isForward: true } })
  const stale = await submit({ answers: { ...answers, ref: 'AAAA' } })
  for (const { id } of [reply, forward, stale]) await untilCopy(id, 'saved')
  const marks = gateway.getFolder('INBOX').messages.map(({ flags, keywords }) => [...flags, ...keywords])
  expect(marks).toEqual([['answered'], ['$Forwarded']])
})

function idIn(bytes: Buffer): string {
  return /^Message-ID: (<.*>)/m.exec(bytes.toString())![1]!
}

test('copies are left out, put into another folder, or put beside that of the provider, as was chosen', async () => {
  const choice: { copy: 'auto' | 'always' | 'never'; folder: string | undefined } = { copy: 'never', folder: undefined }
  const queue = { choiceOf: async () => choice, loginOf: async () => login('smtp.gmail.com') }
  const world = await startOutbox({ queue })
  const { submit, until, untilCopy, facts } = world
  const never = await submit()
  await until(never.id, 'sent')
  await expect.poll(() => facts.at(-1)?.sent_copy).toBe('none')
  expect((await world.get(never.id)).sent_copy).toEqual({ state: 'none', folder: null, why: null })
  choice.copy = 'always'
  const always = await submit()
  expect(await untilCopy(always.id, 'saved')).toMatchObject({ folder: 'Sent' })
  choice.folder = 'Archive'
  const filed = await submit()
  expect(await untilCopy(filed.id, 'saved')).toMatchObject({ folder: 'Archive' })
  expect([copiesIn(world), copiesIn(world, 'Archive')].map(({ length }) => length)).toEqual([1, 1])
  choice.folder = 'Nowhere'
  const lostOne = await submit()
  expect((await untilCopy(lostOne.id, 'failed')).why).toContain('Nowhere')
})
