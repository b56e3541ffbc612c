/**
 * The index level of an account, changed while the server runs: a higher one starts indexing, a lower one removes, also
 * at the next start.
 */
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { IndexLevel } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import { startDovecot } from '../support/dovecot.ts'
import { available } from '../support/require.ts'
import { type Served, startHere } from '../support/rustymail.ts'

const mails = 40
/** Incompressible text, so that indexed texts visibly enlarge the index. */
const words = (number: number) =>
  Array.from({ length: 400 }, (_, at) => ((number * 7919 + at * 104_729) * 2_654_435_761).toString(36)).join(' ')

async function connected(run: Served, port: number): Promise<string> {
  const imap = { host: '127.0.0.1', port, tls: 'none', user: 'alice@test.local', password: 'pw-alice' }
  return (await run.call(api.accounts.createAccount, { body: { email: imap.user, imap } })).id
}

const statusOf = (run: Served, account_id: string) => run.call(api.mailIndex.getIndex, { params: { account_id } })
const choose = (run: Served, account_id: string, index_level: IndexLevel | null) =>
  run.call(api.accounts.updateAccount, { params: { account_id }, body: { index_level } })
const becomes = (run: Served, id: string, status: object) =>
  expect.poll(() => statusOf(run, id), { interval: 50 }).toMatchObject(status)

describe.skipIf(!available('dovecot'))('on Dovecot', () => {
  test('raising a level indexes more, lowering it removes the rest, and nothing else notices', async () => {
    const dovecot = await startDovecot()
    onTestFinished(() => dovecot.stop())
    for (let number = 0; number < mails; number++) {
      await dovecot.appendMessage(
        'alice@test.local',
        `Subject: mail ${number}\nMessage-ID: <${number}@x>\n\n${words(number)}`,
      )
    }
    const run = await startHere({ environment: { RUSTYMAIL_INDEX: 'off' } })
    const id = await connected(run, dovecot.imapPort)
    const file = join(run.dataDir, 'index', `${id}.db`)
    const off = { level: 'off', default_level: 'off', state: 'off', messages: 0, size_bytes: 0 }
    expect(await statusOf(run, id)).toMatchObject(off)
    expect((await run.send('GET', `/api/v1/accounts/${id}/threads`)).status).toBe(409)
    expect(existsSync(join(run.dataDir, 'index'))).toBe(false)

    expect(await choose(run, id, 'headers')).toMatchObject({ index_level: 'headers' })
    await becomes(run, id, { level: 'headers', state: 'complete', messages: mails, texts: 0 })
    await choose(run, id, 'text')
    await becomes(run, id, { level: 'text', state: 'complete', messages: mails, texts: mails })
    const whole = (await statusOf(run, id)).size_bytes
    const threads = await run.call(api.mailIndex.listThreads, { params: { account_id: id }, query: { limit: '100' } })

    await choose(run, id, 'headers')
    await becomes(run, id, { level: 'headers', state: 'complete', messages: mails, texts: 0 })
    // Space is released with the last of them; the write-ahead log is checkpointed meanwhile.
    await expect.poll(() => statSync(file).size).toBeLessThan(whole / 2)
    expect(await run.call(api.mailIndex.listThreads, { params: { account_id: id }, query: { limit: '100' } })).toEqual(
      threads,
    )

    const { days, limits, pace } = await run.call(api.accountUsage.getUsage, { params: { account_id: id } })
    const { received_bytes, sync, watch, interactive } = days[0]!
    expect([limits, pace]).toEqual([null, 'full'])
    // The texts that were read, at least.
    expect(sync.received_bytes).toBeGreaterThan(mails * words(1).length)
    expect(watch.received_bytes).toBeGreaterThan(100)
    expect(received_bytes).toBe(sync.received_bytes + watch.received_bytes + interactive.received_bytes)
    await choose(run, id, 'off')
    expect(await statusOf(run, id)).toMatchObject(off)
    await expect.poll(() => existsSync(file)).toBe(false)
    expect((await run.send('GET', `/api/v1/accounts/${id}/changes`)).status).toBe(409)
    expect(await run.call(api.accounts.getAccount, { params: { account_id: id } })).toMatchObject({ state: 'ready' })
    expect(await choose(run, id, null)).toMatchObject({ index_level: null })
  })

  test('a start with a lower default removes what accounts without a level of their own have', async () => {
    const dovecot = await startDovecot()
    onTestFinished(() => dovecot.stop())
    await dovecot.appendMessage('alice@test.local', 'Subject: one\n\nfirst')
    const first = await startHere({ environment: { RUSTYMAIL_INDEX: 'text' } })
    const id = await connected(first, dovecot.imapPort)
    await becomes(first, id, { level: 'text', state: 'complete', texts: 1 })
    await first.stop()
    const second = await startHere({ environment: { RUSTYMAIL_INDEX: 'headers' }, dataDir: first.dataDir })
    await becomes(second, id, { level: 'headers', default_level: 'headers', state: 'complete', messages: 1, texts: 0 })
    await second.stop()
    const file = join(first.dataDir, 'index', `${id}.db`)
    expect(existsSync(file)).toBe(true)
    const third = await startHere({ environment: { RUSTYMAIL_INDEX: 'off' }, dataDir: first.dataDir })
    await expect.poll(() => existsSync(file)).toBe(false)
    expect(await statusOf(third, id)).toMatchObject({ level: 'off', state: 'off' })
  })
})
