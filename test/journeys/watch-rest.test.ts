/** A thousand messages of the inbox are changed on a real mail server: what watches it is not in IDLE then, and mail that comes meanwhile is announced. */
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { fillMaildir } from '../../bench/large-mailbox.ts'
import { api } from '../../contract/index.ts'
import { startDovecot } from '../support/dovecot.ts'
import { openStream } from '../support/open-stream.ts'
import { patience } from '../support/patience.ts'
import { available } from '../support/require.ts'
import { apiKey, runHere } from '../support/rustymail.ts'
import { startRelay } from '../support/tcp-relay.ts'
import { tempDir } from '../support/temp-dir.ts'

const alice = 'alice@test.local'
const messages = 100

test.skipIf(!available('dovecot')).each([
  { what: 'flags', body: { add: ['flagged'] }, command: /UID STORE \S+ \+FLAGS/ },
  { what: 'a move', body: { move_to: { folder: 'Archive' } }, command: /UID MOVE/ },
])('$what of many messages', async ({ body, command }) => {
  const dir = tempDir('watch-rest')
  const dovecot = await startDovecot({ fill: mail => fillMaildir(join(mail, alice, 'Maildir'), messages) })
  /** Commands that begin or end IDLE, and the change, in their order; then what comes while the change is held. */
  const sent: string[] = []
  let between = async (): Promise<void> => undefined
  const holds = (data: string) => {
    const [said] = /\b(IDLE|DONE)\r\n/.exec(data) ?? []
    if (said) sent.push(said.trim())
    if (!command.test(data)) return undefined
    sent.push('change')
    return between()
  }
  const relay = await startRelay(dovecot.imapPort, { holds })
  const run = await runHere({ environment: { RUSTYMAIL_INDEX: 'headers' }, dataDir: join(dir.path, 'data') })
  onTestFinished(async () => {
    await run.stop()
    await relay.stop()
    await dovecot.stop()
    dir.remove()
  })
  const server = { host: '127.0.0.1', port: relay.port, tls: 'none', user: alice, password: 'pw-alice' }
  const { id } = await run.call(api.accounts.createAccount, { body: { email: alice, imap: server } })
  const params = { account_id: id }
  const index = () => run.call(api.mailIndex.getIndex, { params })
  await expect.poll(index, { timeout: patience }).toMatchObject({ state: 'complete', messages })
  await expect.poll(() => sent.at(-1), { timeout: patience }).toBe('IDLE')
  const { items } = await run.call(api.mail.listMessages, { params, query: { folder: 'INBOX', limit: '100' } })
  const stream = await openStream(`${run.url}/api/dashboard/events?types=mail_received`, {
    authorization: `Bearer ${apiKey}`,
  })
  onTestFinished(() => stream.close())
  const announced = stream.next('mail_received')
  sent.splice(0)
  between = async () => {
    await dovecot.appendMessage(alice, 'Subject: meanwhile\nMessage-ID: <meanwhile@example.org>\n\nx\n')
    // Of all that was said by then.
    sent.push('came')
  }
  const ids = items.map(item => item.id!)
  const { id: operation } = await run.call(api.operations.changeMessages, { params, body: { ids, ...body } })
  const state = () => run.call(api.operations.getOperation, { params: { operation_id: operation } })
  await expect.poll(async () => (await state()).state, { timeout: patience }).toBe('done')
  await expect.poll(() => sent, { timeout: patience }).toEqual(['DONE', 'change', 'came', 'IDLE'])
  expect(await announced).toMatchObject({ data: { account_id: id, folder: 'INBOX', subject: 'meanwhile' } })
})
