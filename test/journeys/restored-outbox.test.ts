/** A restored backup sends nothing by itself: what waited to be sent when it was made may have been sent since. */
import { expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import type { Submission } from '../../contract/submission.ts'
import { backupHome } from '../support/backup-home.ts'
import type { Served } from '../support/rustymail.ts'
import { enter } from '../support/signed-in.ts'
import { SmtpSink } from '../support/smtp-sink.ts'

async function addAccount(server: Served, port: number): Promise<string> {
  const imap = { host: '127.0.0.1', port: 1, tls: 'none', user: 'ann', password: 'a secret word' }
  const smtp = { host: '127.0.0.1', port, tls: 'none', user: 'ann', password: 'secret' }
  const body = { email: 'ann@example.com', imap, smtp }
  return (await server.call(api.accounts.createAccount, { query: { verify: 'false' }, body })).id
}

/** Sends as the administrator, who is signed in. */
async function personAt({ url }: Served) {
  const cookie = await enter(url)
  const ask = async <Answer>(method: string, path: string, body?: object): Promise<Answer> => {
    const headers = { origin: url, cookie, 'content-type': 'application/json' }
    const answer = await fetch(url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) })
    expect([path, answer.ok]).toEqual([path, true])
    return (await answer.json()) as Answer
  }
  return {
    ask,
    submission: (id: string) => ask<Submission>('GET', `/api/v1/outbox/${id}`),
    send: async (account: string, subject: string, at?: string) => {
      const drafts = `/api/v1/accounts/${account}/drafts`
      const written = { mode: 'new', to: ['bob@there.test'], subject, body: { format: 'text', content: 'x' } }
      const { id, rev } = await ask<{ id: string; rev: number }>('POST', drafts, written)
      return (await ask<Submission>('POST', `${drafts}/${id}/send`, { rev, ...(at && { at }) })).id
    },
  }
}

test('after a restore, messages that waited to be sent are sent only when a human decides so', async () => {
  const sink = new SmtpSink({ password: 'secret' })
  const port = await sink.start()
  onTestFinished(() => sink.stop())
  const { destroy, place, run, start } = backupHome()
  const first = await start()
  const account = await addAccount(first, port)
  const before = await personAt(first)
  const settings = await before.ask<object>('GET', api.approvals.getApprovalSettings.path)
  await before.ask('PUT', api.approvals.setApprovalSettings.path, { ...settings, undo_seconds: 0 })

  sink.script.onCommand = line => (line.startsWith('MAIL') ? '451 later' : undefined)
  const retried = await before.send(account, 'retried')
  await expect.poll(async () => (await before.submission(retried)).attempts).toBe(1)
  const later = await before.send(account, 'later', new Date(Date.now() + 86_400_000).toISOString())
  expect((await run(['backup', place('backup.db')])).code).toBe(0)
  for (const id of [retried, later]) await before.ask('POST', `/api/v1/outbox/${id}/cancel`)
  await first.stop()
  destroy()

  const restored = await run(['restore', place('backup.db')])
  expect(restored).toMatchObject({ code: 0, stderr: '' })
  sink.script = { password: 'secret' }
  const after = await personAt(await start())
  for (const id of [retried, later]) {
    expect(await after.submission(id)).toMatchObject({
      state: 'unknown',
      recipients: [{ state: 'unknown' }],
      error: { why: expect.stringContaining('restored from a backup') },
      can: ['retry', 'resolve'],
    })
  }
  expect(restored.stdout).toContain('2 messages that waited to be sent may have been sent since')
  await after.ask('POST', `/api/v1/outbox/${later}/retry`)
  await expect.poll(async () => (await after.submission(later)).state).toBe('sent')
  expect(sink.taken).toHaveLength(1)
})
