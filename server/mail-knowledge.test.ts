/** Which mail answers what a program sent, and what is known of a message whose server says nothing. */
import { expect, test } from 'vitest'
import type { EventOf } from '../contract/event.ts'
import { onEachDatabase } from '../test/support/databases.ts'
import { keepAccount } from '../test/support/watched-accounts.ts'
import { type MailKnowledgeOptions, mailKnowledge } from './mail-knowledge.ts'
import type { SubmissionRow } from './outbox/submission-tables.ts'
import type { Database } from './platform/database/database.ts'
import { createLogger } from './platform/logger.ts'
import { Problem } from './platform/problem.ts'

const at = '2026-11-22T12:00:00.000Z'
const signal = new AbortController().signal
const reader = { id: 'token-1', scopes: new Set(['mail:meta', 'mail:read'] as const) }
const mail = (more: Partial<EventOf<'mail_received'>['data']> = {}): EventOf<'mail_received'>['data'] => ({
  ...{ account_id: 'a', folder: 'INBOX', uid: 1, uid_validity: 1, ref: 'r', id: 'm', thread_id: 'T1', at },
  ...more,
})

async function sent(db: Database, values: Partial<SubmissionRow>): Promise<void> {
  const row: SubmissionRow = {
    ...{ id: `s${Math.random()}`, account_id: 'a', draft_id: 'd', rev: 1, principal_kind: 'token', user_id: null },
    ...{ principal_id: 'token-1', principal_name: 'one', state: 'sent', hash: '', sha256: '', blob_id: 'b' },
    ...{ size_bytes: 1, message_id: '<own@x>', envelope_from: 'a@x', from_email: 'a@x', from_name: null, subject: '' },
    ...{ recipients: '[]', answers: null, created_at: at, send_at: null, ready_at: null, due_at: null, attempts: 1 },
    ...{ error: null, ended_at: at, approval_id: null, let_out: null, session: null, copy_state: 'none' },
    ...{ copy_folder: null, copy_why: null, copy_attempts: 0, copy_due_at: null, copy_intent: null },
    ...values,
  }
  await db.insertInto('submissions').values(row).execute()
}

function knowledgeOn(db: Database, inReplyTo: string | null = null, inThread?: (string | null)[]) {
  const away = async (): Promise<never> => {
    throw new Problem('mail_server_unreachable', 'It is away.')
  }
  const options = {
    ...{ db, authServers: [], logger: createLogger('silent') },
    accounts: { get: away },
    search: {
      searchAccount: async () => (inThread ? { items: inThread.map(id => ({ message_id: id })) } : away()),
    },
    indexed: { listById: away },
    mail: {
      getUncompared: async () => ({ message: { in_reply_to: inReplyTo, from: [], subject: 'Re', to_count: 1 } }),
    },
  }
  // Only the fields of a message that are read here.
  return mailKnowledge(options as unknown as MailKnowledgeOptions)
}

onEachDatabase(open => {
  test('mail answers a principal by the Message-ID of what it sent, or by the thread in which it answered', async () => {
    const db = await open()
    await keepAccount(db, 'a')
    const answers = (principal: string, inReplyTo: string | null, thread = 'T1') =>
      knowledgeOn(db, inReplyTo).answers(principal, mail({ thread_id: thread }), signal)
    expect(await answers('token-1', '<own@x>')).toBe(false)
    await sent(db, {})
    expect(await answers('token-1', '<own@x>')).toBe(true)
    expect(await answers('token-1', '<other@x>')).toBe(false)
    // To a reply of somebody else, in the thread of what it sent.
    const deeper = (...ids: (string | null)[]) => knowledgeOn(db, '<other@x>', ids).answers('token-1', mail(), signal)
    expect(await deeper('<other@x>', null, '<own@x>')).toBe(true)
    expect(await deeper('<other@x>', null)).toBe(false)
    expect(await answers('token-2', '<own@x>')).toBe(false)
    await sent(db, {
      ...{ message_id: '<reply@x>', principal_id: 'token-2' },
      answers: JSON.stringify({ messageId: 'm', ref: null, threadId: 'T9', isForward: false }),
    })
    expect(await answers('token-2', null, 'T9')).toBe(true)
    await sent(db, { message_id: '<held@x>', principal_id: 'token-3', state: 'held' })
    expect(await answers('token-3', '<held@x>')).toBe(false)
  })
})

test('what cannot be found out is not known, does not match, and holds up nothing', async () => {
  const knowledge = knowledgeOn(undefined as never)
  expect(await knowledge.details(mail({ subject: 'Hi', from: { name: null, email: 'cy@x.org' } }), signal)).toEqual({
    ...{ from: 'cy@x.org', subject: 'Hi', auth: 'unknown', recipients: 1, hasAttachments: null },
  })
  expect(await knowledge.matches(mail(), 'lunch', reader, signal)).toBe(false)
  expect(() => knowledge.checkQuery(reader, 'from:')).toThrow(Problem)
})

test('a search looks into texts for principals with mail:read alone, when it is asked for and when it is answered', async () => {
  const knowledge = knowledgeOn(undefined as never)
  const watcher = { id: 'token-2', scopes: new Set(['mail:meta'] as const) }
  for (const query of ['body:xyz*', 'lunch OR body:xyz', 'has:link']) {
    expect(() => knowledge.checkQuery(watcher, query)).toThrow('mail:read')
    expect(() => knowledge.checkQuery(reader, query)).not.toThrow()
  }
  const searched: string[][] = []
  const search = {
    searchAccount: async ({ scopes }: { scopes: ReadonlySet<string> }) => {
      searched.push([...scopes])
      return { items: [] }
    },
  }
  const looking = mailKnowledge({ search } as unknown as MailKnowledgeOptions)
  for (const principal of [reader, watcher]) await looking.matches(mail(), 'lunch', principal, signal)
  expect(searched).toEqual([['mail:meta', 'mail:read'], ['mail:meta']])
})
