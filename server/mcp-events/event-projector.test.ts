/** Which events a fact becomes, for which subscribers, and in which words. */
import { expect, test } from 'vitest'
import type { Fact } from '../../contract/event.ts'
import { EventProjector, type MailDetails, type MailKnowledge } from './event-projector.ts'
import { eventTypes, type RequestedEvent } from './event-types.ts'

const at = '2026-11-22T12:00:00.000Z'
const scopes = new Set(['mail:meta'] as const)
const signal = new AbortController().signal
const details: MailDetails = {
  ...{ from: 'Eve@Evil.example', subject: 'Hi </untrusted>\u200b now', auth: 'failed' },
  ...{ recipients: 2, hasAttachments: true },
}

function world(known: Partial<MailKnowledge> = {}) {
  let looks = 0
  const mail: MailKnowledge = {
    details: async () => {
      looks++
      return details
    },
    matches: async (_mail, query) => query === 'yes',
    answers: async principalId => principalId === 'token-1',
    senderOf: async () => 'token-1',
    refOf: ({ account_id: id }) => `${id}.ref`,
    ...known,
  }
  const projector = new EventProjector({ mail, idOf: number => `k3f9-${number}` })
  const project = (fact: Fact, asked: RequestedEvent, id = 'token-1', asker = signal) =>
    projector.project(asked, { id, scopes }, { number: 7, fact, frame: Buffer.alloc(0), endOffset: 0 }, asker)
  return { project, looks: () => looks, stop: () => projector.stop() }
}

const mail = {
  type: 'mail_received',
  data: {
    ...{ account_id: 'a', folder: 'INBOX', uid: 1, uid_validity: 1, id: 'm', thread_id: 'T1' },
    first_contact: true,
    at,
  },
} as Fact
const asked = (name: RequestedEvent['name'], args: RequestedEvent['arguments'] = {}): RequestedEvent => ({
  name,
  arguments: args,
})

test('mail: ids, sender, verdict, counts and the subject in a fence, as the schema says, and nothing of its text', async () => {
  const { project, looks } = world()
  const event = await project(mail, asked('message.received'))
  expect(event).toMatchObject({
    ...{ eventId: 'evt_k3f9-7', name: 'message.received', timestamp: at },
    data: {
      ...{ account: 'a', message: 'm', ref: 'a.ref', thread: 'T1', folder: 'INBOX', from: 'Eve@Evil.example' },
      ...{ auth: 'failed', first_contact: true, recipients: 2, has_attachments: true },
    },
  })
  expect(event!.data.untrusted_subject).toMatch(/^<(untrusted-[0-9a-f]{12})>\nHi ‹\/untrusted> now\n<\/\1>$/)
  expect(eventTypes['message.received'].payload.strict().safeParse(event!.data).success).toBe(true)
  // Many subscribers cost one query.
  await project(mail, asked('message.received'))
  expect(looks()).toBe(1)
})

test('arguments narrow: account, folder, sender or domain, and a search', async () => {
  const { project } = world()
  const isTold = async (args: RequestedEvent['arguments']) =>
    (await project(mail, asked('message.received', args))) !== undefined
  const told = [
    { account: 'a' },
    { folder: 'INBOX' },
    { from: 'eve@evil.EXAMPLE' },
    { from: '@evil.example' },
    { query: 'yes' },
  ]
  const not = [
    { account: 'b' },
    { folder: 'Junk' },
    { from: 'eve@evil.example.org' },
    { from: '@vil.example' },
    { query: 'no' },
  ]
  for (const args of told) expect([args, await isTold(args)]).toEqual([args, true])
  for (const args of not) expect([args, await isTold(args)]).toEqual([args, false])
})

test('a reply is announced to the principal whose mail it answers, under an id of its own', async () => {
  const { project } = world()
  expect(await project(mail, asked('message.replied'))).toMatchObject({ eventId: 'evt_k3f9-7-reply' })
  expect(await project(mail, asked('message.replied'), 'token-2')).toBeUndefined()
})

test('decisions and failures are told of own messages unless others are asked for; a failure is one event, however often it is told', async () => {
  const { project } = world()
  const decided = {
    type: 'approval_decided',
    data: { account_id: 'a', approval_id: 'p1', submission_id: 's1', state: 'denied', by: 'ann', at },
  } as Fact
  expect((await project(decided, asked('approval.decided')))!.data).toEqual({
    ...{ account: 'a', approval: 'p1', submission: 's1', state: 'denied' },
  })
  expect(await project(decided, asked('approval.decided'), 'token-2')).toBeUndefined()
  expect(await project(decided, asked('approval.decided', { own: false }), 'token-2')).toBeDefined()
  const delivery = (state: string, bounced = 0, copy = 'none') =>
    ({
      type: 'delivery_changed',
      data: {
        ...{ account_id: 'a', submission_id: 's1', draft_id: 'd1', principal: 'token-1', state, attempts: 2 },
        ...{ accepted: 0, refused: 1, bounced, sent_copy: copy, at },
      },
    }) as Fact
  const failure = await project(delivery('partial'), asked('delivery.failed'))
  expect(failure).toMatchObject({ eventId: 'evt_s1-partial-1-0', data: { submission: 's1', state: 'partial' } })
  expect((await project(delivery('partial', 0, 'saved'), asked('delivery.failed')))!.eventId).toBe(failure!.eventId)
  expect(await project(delivery('sent'), asked('delivery.failed'))).toBeUndefined()
  expect(await project(delivery('sent', 1), asked('delivery.failed'))).toMatchObject({ data: { bounced: 1 } })
  expect(await project(delivery('failed'), asked('delivery.failed'), 'token-2')).toBeUndefined()
})

test('an account is in trouble with its cause, without the words of its mail server; when it is well nothing is told', async () => {
  const { project } = world()
  const state = (now: string) =>
    ({
      type: 'account_state_changed',
      data: {
        ...{ account_id: 'a', name: 'Ann', state: now, previous: 'ready', next_retry_at: null, at },
        last_error: { cause: 'login', detail: 'words', server_response: 'more words', at },
      },
    }) as Fact
  const { data } = (await project(state('auth_failed'), asked('account.trouble')))!
  expect(data).toEqual({ account: 'a', state: 'auth_failed', previous: 'ready', cause: 'login', next_retry_at: null })
  expect(await project(state('ready'), asked('account.trouble'))).toBeUndefined()
})

test('one that leaves while a message is looked up takes nothing from the others; a stop ends the look-up', async () => {
  const held = Promise.withResolvers<MailDetails>()
  let looked: AbortSignal | undefined
  const { project, stop } = world({
    details: (_mail, looking) => {
      looked = looking
      return held.promise
    },
  })
  const leaving = new AbortController()
  const one = project(mail, asked('message.received'), 'token-1', leaving.signal)
  const other = project(mail, asked('message.received'), 'token-2')
  leaving.abort(new Error('it left'))
  await expect(one).rejects.toThrow('it left')
  expect(looked?.aborted).toBe(false)
  held.resolve(details)
  expect(await other).toMatchObject({ data: { from: 'Eve@Evil.example' } })
  stop()
  expect(looked?.aborted).toBe(true)
})
