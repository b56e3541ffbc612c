/**
 * Folders over REST and MCP on a real mail server: for callers with the scope and the account; messages keep their ids
 * through a rename.
 */
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import type { Folder } from '../../contract/mail.ts'
import type { OperationWithResults } from '../../contract/operations.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { callTool, connectMcp } from '../support/mcp-client.ts'
import { patience } from '../support/patience.ts'
import { type Proof, startApp } from '../support/people.ts'
import { available } from '../support/require.ts'
import { untilIndexed } from '../support/until-indexed.ts'

describe.skipIf(!available('dovecot'))('on Dovecot', () => {
  let dovecot: Dovecot
  beforeAll(async () => {
    dovecot = await startDovecot()
    return () => dovecot.stop()
  })

  async function setUp(user: string) {
    const { people } = await startApp({ environment: { RUSTYMAIL_INDEX: 'text' } })
    const login = `${user}@test.local`
    const imap = { host: '127.0.0.1', port: dovecot.imapPort, tls: 'none', user: login, password: `pw-${user}` }
    const body = { email: login, imap }
    const { id } = await people.tell<{ id: string }>(people.admin, 'POST', api.accounts.createAccount.path, body)
    const at = `/api/v1/accounts/${id}`
    const ask = async (proof: Proof, method: string, path: string, sent?: unknown) => {
      const { status, text } = await people.ask(proof, method, at + path, sent)
      return { status, body: JSON.parse(text) }
    }
    const settled = async ({ id: operation }: { id: string }) => {
      const look = () => people.tell<OperationWithResults>(people.admin, 'GET', `/api/v1/operations/${operation}`)
      await expect.poll(async () => (await look()).state, { timeout: patience }).not.toBe('pending')
      return look()
    }
    const change = async (method: string, path: string, sent?: unknown) => {
      const { status, body: accepted } = await ask(people.admin, method, path, sent)
      expect([status, accepted.state]).toEqual([202, 'pending'])
      return settled(accepted)
    }
    const folders = async () => {
      const { items } = (await ask(people.admin, 'GET', '/folders')).body as { items: Folder[] }
      return items.map(({ path }) => path)
    }
    const raw = await dovecot.login(login)
    onTestFinished(() => raw.close())
    return { people, id, ask, settled, change, folders, raw }
  }

  test('a folder is created, renamed without losing an id, subscribed to, and deleted only when it is empty', async () => {
    const { people, id, ask, change, folders, raw } = await setUp('alice')
    await raw.append('INBOX', 'Subject: kept\r\nMessage-ID: <kept@x>\r\n\r\nhello\r\n')
    await untilIndexed(people, id, 1)
    const path = 'Entwürfe & Ideen'
    expect((await change('POST', '/folders', { path: `${path}/2026` })).state).toBe('done')
    const list = async (folder: string) => {
      const query = new URLSearchParams({ folder })
      return (await ask(people.admin, 'GET', `/messages?${query}`)).body as { items: { id: string; ref: string }[] }
    }
    const idsIn = async (folder: string) => (await list(folder)).items?.map(item => item.id)
    const [message] = (await list('INBOX')).items
    const moving = { ids: [message!.id], move_to: { folder: `${path}/2026` } }
    expect((await change('POST', '/messages/actions', moving)).state).toBe('done')
    await expect.poll(() => idsIn(`${path}/2026`), { timeout: patience }).toEqual([message!.id])
    const of = (folder: string) => `/folders?${new URLSearchParams({ folder })}`
    const renamed = await change('PATCH', of(path), { path: 'Ideas' })
    expect(renamed).toMatchObject({ state: 'done', folder: path, to: 'Ideas' })
    await expect.poll(() => idsIn('Ideas/2026'), { timeout: patience }).toEqual([message!.id])
    await expect.poll(folders, { timeout: patience }).toEqual(expect.arrayContaining(['Ideas/2026']))
    expect((await ask(people.admin, 'GET', `/messages/${message!.id}`)).body).toMatchObject({ subject: 'kept' })
    for (const subscribed of [false, true, false]) {
      expect((await change('PATCH', of('Ideas/2026'), { subscribed })).state).toBe('done')
      const { items } = (await ask(people.admin, 'GET', '/folders')).body as { items: Folder[] }
      expect(items.find(folder => folder.path === 'Ideas/2026')).toMatchObject({ subscribed })
    }
    expect(await raw.run('LSUB "" "*"')).not.toContain('Ideas/2026')
    const kept = await change('DELETE', of('Ideas/2026'))
    expect(kept).toMatchObject({ state: 'failed', results: [{ code: 'folder_not_empty' }] })
    const undone = await people.tell<{ undone: { undo: { id: string } }[] }>(
      people.admin,
      'POST',
      `/api/v1/operations/${renamed.id}/undo`,
      {},
    )
    expect(undone.undone).toHaveLength(1)
    await expect.poll(() => idsIn(`${path}/2026`), { timeout: patience }).toEqual([message!.id])
    expect((await change('DELETE', `${of(`${path}/2026`)}&messages=delete`)).state).toBe('done')
    await expect.poll(folders, { timeout: patience }).not.toContain(`${path}/2026`)
  })

  test('without the scope or the account nothing is changed; what must stay and what is no name is a clear answer', async () => {
    const { people, id, ask } = await setUp('bob')
    const reader = await people.token(['mail:read'], [id])
    const organizer = await people.token(['mail:organize'], [id])
    const elsewhere = await people.token(['mail:organize', 'mail:delete'], [])
    const calls = [
      ['POST', '/folders', { path: 'New' }],
      ['PATCH', '/folders?folder=Work', { path: 'New' }],
      ['DELETE', '/folders?folder=Work', undefined],
    ] as const
    for (const [method, path, sent] of calls) {
      expect(await ask(reader.proof, method, path, sent)).toMatchObject({
        status: 403,
        body: { missing_scope: 'mail:organize' },
      })
      expect((await ask(elsewhere.proof, method, path, sent)).status).toBeOneOf([403, 404])
    }
    const emptied = await ask(organizer.proof, 'DELETE', '/folders?folder=Work&messages=delete')
    expect(emptied).toMatchObject({ status: 403, body: { missing_scope: 'mail:delete' } })
    const answers: [string, string, unknown, number, string][] = [
      ['POST', '/folders', { path: 'INBOX' }, 409, 'folder_exists'],
      ['POST', '/folders', { path: 'a/../b' }, 400, 'bad_request'],
      ['POST', '/folders', { path: 'a\r\nb' }, 400, 'bad_request'],
      ['PATCH', '/folders?folder=INBOX', { path: 'Mine' }, 409, 'folder_protected'],
      ['PATCH', '/folders?folder=INBOX', {}, 400, 'bad_request'],
      ['DELETE', '/folders?folder=Trash', undefined, 409, 'folder_protected'],
      ['DELETE', '/folders?folder=None', undefined, 404, 'folder_not_found'],
    ]
    for (const [method, path, sent, status, code] of answers) {
      expect(await ask(organizer.proof, method, path, sent), `${method} ${path}`).toMatchObject({
        status,
        body: { code },
      })
    }
  })

  test('an agent edits folders and is told what failed', async () => {
    const { people, id, ask } = await setUp('carol')
    const { proof } = await people.token(['mail:organize'], [id])
    const mcp = await connectMcp(people.url, proof)
    const edit = (input: Record<string, unknown>) => callTool(mcp, 'mail_folder_edit', input)
    expect(await edit({ op: 'create', path: 'Bills' })).toMatchObject({ value: { path: 'Bills' } })
    expect(await edit({ op: 'rename', path: 'Bills', to: 'Bills 2026' })).toMatchObject({
      value: { path: 'Bills 2026' },
    })
    // Until folders are polled again only the mail server knows of it, and its refusal is no error of the call.
    const listed = async () => {
      const { items, source } = (await ask(people.admin, 'GET', '/folders')).body as { items: Folder[]; source: string }
      return [source, ...items.map(({ path }) => path)]
    }
    await expect.poll(listed, { timeout: patience }).toEqual(expect.arrayContaining(['index', 'Bills 2026']))
    expect(await edit({ op: 'create', path: 'Bills 2026' })).toMatchObject({ isError: true })
    expect(await edit({ op: 'rename', path: 'Bills 2026' })).toMatchObject({ isError: true })
    expect(await edit({ op: 'delete', path: 'Bills 2026' })).toMatchObject({
      value: { undo: expect.any(String) },
    })
  })
})
