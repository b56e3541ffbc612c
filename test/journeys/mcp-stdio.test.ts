/** `rustymail mcp`, standalone and as a client of a server: only protocol on stdout, and gone when stdin ends. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { anyFolder, setUpsFor } from '../../web/agents/set-up-lines.ts'
import { connectMcp } from '../support/mcp-client.ts'
import { fill, hold, namesOf, refOf, startMcpWorld } from '../support/mcp-world.ts'
import { prepareDataDir } from '../support/migrated-file.ts'
import { runCommand } from '../support/run-command.ts'
import { environmentOf, hello, program, root, startStdio } from '../support/stdio-program.ts'
import { tempDir } from '../support/temp-dir.ts'

const revisions = { '2026-07-28': { pin: '2026-07-28' }, '2025-11-25': 'legacy' } as const

/** A data directory without a server. */
async function freshData() {
  const dir = tempDir('stdio')
  onTestFinished(() => dir.remove())
  const dataDir = join(dir.path, 'data')
  await prepareDataDir(dataDir)
  return dataDir
}

/** Connects the official client, which starts the program itself. */
async function connect(
  words: string[],
  environment: Record<string, string>,
  mode: (typeof revisions)[keyof typeof revisions],
) {
  const args = [...program, ...words]
  const env = environmentOf(environment)
  const transport = new StdioClientTransport({ command: process.execPath, args, cwd: root, env, stderr: 'pipe' })
  const client = new Client({ name: 'stdio test', version: '1.0.0' }, { versionNegotiation: { mode } })
  onTestFinished(() => client.close())
  await client.connect(transport)
  return client
}

/** How fast it exits is measured by `bench -- mcp-stdio`. */
async function codeOf(child: ChildProcess): Promise<unknown> {
  const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode]
  return code
}

test.each(Object.entries(revisions))(
  'a bridge speaks %s for a running server, with the rights of its token alone',
  async (_, mode) => {
    const { people, ann } = await startMcpWorld()
    const token = await people.token(['mail:read'], [ann])
    const client = await connect(['--url', people.url], { RUSTYMAIL_TOKEN: token.secret }, mode)
    const names = await namesOf(client)
    expect(names).toEqual(expect.arrayContaining(['mail_accounts', 'mail_search', 'mail_read']))
    expect(names.filter(name => /update|move|draft|send/.test(name))).toEqual([])
    const refs = [await refOf(client)]
    const read = await client.callTool({ name: 'mail_read', arguments: { refs } })
    expect(JSON.stringify(read.structuredContent)).toContain('At noon?')
    let changes = 0
    client.setNotificationHandler('notifications/tools/list_changed', () => void changes++)
    if (mode !== 'legacy') await client.listen({ toolsListChanged: true })
    const path = fill(api.tokens.revokeToken.path, token.id)
    // For a client before 2026 the bridge itself starts listening, a moment after the handshake.
    await expect
      .poll(async () => {
        await people.tell(people.admin, 'PATCH', path, { scopes: [changes === 0 ? 'mail:meta' : 'mail:read'] })
        await people.tell(people.admin, 'PATCH', path, { scopes: ['mail:read'] })
        return changes
      })
      .toBeGreaterThan(0)
    await people.tell(people.admin, 'DELETE', path)
    await expect(client.listTools()).rejects.toThrow(/RUSTYMAIL_TOKEN/)
  },
)

test('alone it serves its own data, as a program that may draft and not send; stdout has the protocol alone', async () => {
  const dataDir = await freshData()
  const { child, send, next, errors } = startStdio([], { RUSTYMAIL_DATA_DIR: dataDir })
  send(hello)
  expect(await next()).toMatchObject({
    id: 1,
    result: { protocolVersion: '2025-11-25', serverInfo: { name: 'rustymail' } },
  })
  send({ method: 'notifications/initialized' })
  send({ id: 2, method: 'tools/list' })
  const { result } = (await next()) as { result: { tools: { name: string }[] } }
  const names = result.tools.map(({ name }) => name)
  expect(names).toContain('mail_draft')
  expect(names).not.toContain('mail_send')
  send({ id: 3, method: 'tools/call', params: { name: 'mail_accounts', arguments: {} } })
  expect(await next()).toMatchObject({ id: 3, result: { structuredContent: { accounts: [] } } })
  expect(errors()).toContain('RustyMail is listening on http://')
  // A second one does not disturb it, and says what to do.
  const second = await runCommand(['mcp'], { dataDir, environment: { RUSTYMAIL_PORT: '0' } })
  expect(second).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/another RustyMail.*--url/s) })
  send({ id: 4, method: 'ping' })
  expect(await next()).toMatchObject({ id: 4 })
  child.stdin.end()
  expect(await codeOf(child)).toBe(0)
  expect(await next()).toBeUndefined()
})

test('the official client works with a program alone, of either adapter, and other presets', async () => {
  for (const [adapter, preset, mode] of [
    ['native', 'reader', revisions['2026-07-28']],
    ['sdk', 'organizer', revisions['2025-11-25']],
  ] as const) {
    const environment = { RUSTYMAIL_DATA_DIR: await freshData(), RUSTYMAIL_MCP_ADAPTER: adapter }
    const client = await connect(['--preset', preset], environment, mode)
    const names = await namesOf(client)
    expect([preset, names.includes('mail_update'), names.includes('mail_draft')]).toEqual([
      preset,
      preset === 'organizer',
      false,
    ])
    await client.close()
  }
})

test.each(['SIGTERM', 'the end of stdin'])('%s ends a bridge, whatever it waits for', async how => {
  const { people, gateway, ann } = await startMcpWorld()
  const { secret, proof } = await people.token(['mail:read'], [ann])
  const ref = await refOf(await connectMcp(people.url, proof))
  const { child, send, next } = startStdio(['--url', `${people.url}/`, '--channel'], { RUSTYMAIL_TOKEN: secret })
  send(hello)
  await next()
  send({ method: 'notifications/initialized' })
  // A mail server that does not answer, and an elicitation that is not answered.
  const held = hold(gateway, 'getMessage')
  send({ id: 2, method: 'tools/call', params: { name: 'mail_read', arguments: { refs: [ref] } } })
  await expect.poll(held.count).toBe(1)
  const asked = { request_id: 'abcde', tool_name: 'Bash', description: '', input_preview: '' }
  send({ method: 'notifications/claude/channel/permission_request', params: asked })
  const prompts = async () =>
    (await people.tell<{ items: object[] }>(people.admin, 'GET', api.permissionPrompts.listPermissionPrompts.path))
      .items
  await expect.poll(prompts).toHaveLength(1)
  if (how === 'SIGTERM') child.kill('SIGTERM')
  else child.stdin.end()
  expect(await codeOf(child)).toBe(0)
  if (how !== 'SIGTERM') expect(await prompts()).toEqual([])
})

const channel = { 'claude/channel': {}, 'claude/channel/permission': {} }
const wrote = { method: 'notifications/claude/channel', params: { meta: { event: 'message.received' } } }

test('with --channel new mail wakes the client of a bridge, whatever form of results it wants: its subject in a fence, and never its body', async () => {
  const { people, gateway, ann } = await startMcpWorld()
  const { secret } = await people.token(['mail:read'], [ann])
  const { send, next } = startStdio(['--url', people.url, '--channel', '--results', 'text'], {
    RUSTYMAIL_TOKEN: secret,
  })
  send(hello)
  expect(await next()).toMatchObject({ result: { capabilities: { experimental: channel } } })
  send({ method: 'notifications/initialized' })
  const connected = async () => {
    const { clients } = await people.tell<{ clients: { user_agent: string; streams: number }[] }>(
      people.admin,
      'GET',
      api.clients.listClients.path,
    )
    return clients
      .filter(each => each.user_agent.startsWith('rustymail-mcp/'))
      .reduce((sum, { streams }) => sum + streams, 0)
  }
  // The stream of change notifications, and that of events.
  await expect.poll(connected).toBe(2)
  gateway.deliver({ subject: 'come', text: 'SECRET', from: [{ name: 'Cy', email: 'cy@example.org' }] })
  const told = await next()
  expect(told).toMatchObject(wrote)
  expect(told).toMatchObject({ params: { meta: { account_id: ann, from: 'cy@example.org' } } })
  expect(JSON.stringify(told)).toMatch(/<(untrusted-\w+)>\\ncome\\n<\/\1>/)
  expect(JSON.stringify(told)).not.toMatch(/SECRET|Cy/)
})

test('with --channel a program alone does the same, and ends with its input', async () => {
  const { app, gateway } = await startMcpWorld({ args: ['mcp', '--channel', '--preset', 'reader'] })
  const [input, output] = [new PassThrough(), new PassThrough()]
  const session = await app.serveStdio({ input, output })
  const lines = createInterface({ input: output })[Symbol.asyncIterator]()
  const next = async () => JSON.parse((await lines.next()).value ?? 'null')
  input.write(`${JSON.stringify({ jsonrpc: '2.0', ...hello })}\n`)
  expect(await next()).toMatchObject({ result: { capabilities: { experimental: channel } } })
  input.write(`${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })}\n`)
  gateway.deliver({ subject: 'come', text: 'SECRET', from: [{ name: 'Cy', email: 'cy@example.org' }] })
  const told = await next()
  expect(told).toMatchObject(wrote)
  expect(JSON.stringify(told)).not.toMatch(/SECRET|Cy/)
  expect(told).toMatchObject({ params: { meta: { from: 'cy@example.org' } } })
  input.end()
  await session.ended
})

/** Starts a session of the standalone program with this token, before 2026. */
async function begin({ app, config, ...world }: Awaited<ReturnType<typeof startMcpWorld>>, secret: string) {
  config.mcp.token = secret
  const [input, output] = [new PassThrough(), new PassThrough()]
  const session = await app.serveStdio({ input, output })
  const lines = createInterface({ input: output })[Symbol.asyncIterator]()
  const ask = async (id: number, method: string, params: object) => {
    input.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`)
    for (;;) {
      const { value, done } = await lines.next()
      const message = done ? { id } : JSON.parse(value)
      if (message.id === id) return message
    }
  }
  await ask(1, 'initialize', hello.params)
  input.write(`${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })}\n`)
  return { ...world, session, ask }
}

test.each(['native', 'sdk'])(
  'through a bridge to %s a client before 2026 hears of the resources that it subscribed to',
  async adapter => {
    const { people, gateway, ann } = await startMcpWorld({ environment: { RUSTYMAIL_MCP_ADAPTER: adapter } })
    const { secret } = await people.token(['mail:read'], [ann])
    const { send, next } = startStdio(['--url', people.url], { RUSTYMAIL_TOKEN: secret })
    send(hello)
    await next()
    send({ method: 'notifications/initialized' })
    const [inbox, drafts] = [`mail://${ann}/folders/INBOX`, `mail://${ann}/folders/Drafts`]
    for (const [id, uri] of [inbox, drafts].entries()) {
      send({ id: `s${id}`, method: 'resources/subscribe', params: { uri } })
      expect(await next()).toMatchObject({ id: `s${id}`, result: {} })
    }
    gateway.deliver({ subject: 'come', text: 'x', from: [{ name: 'Cy', email: 'cy@example.org' }] })
    expect(await next()).toEqual({
      ...{ jsonrpc: '2.0', method: 'notifications/resources/updated' },
      params: { uri: inbox },
    })
  },
)

const alone = (adapter: string) => startMcpWorld({ args: ['mcp'], environment: { RUSTYMAIL_MCP_ADAPTER: adapter } })

test.each(['native', 'sdk'])(
  'with %s a program alone has what its token may now: what is narrowed while it runs, and nothing once it is revoked',
  async adapter => {
    const world = await alone(adapter)
    const { people, gateway, ann, bob } = world
    const token = await people.token(['mail:organize'], [ann, bob])
    const { session, ask } = await begin(world, token.secret)
    const call = async (id: number, name: string, given: object) =>
      (await ask(id, 'tools/call', { name, arguments: given })) as { result: Record<string, unknown> }
    const names = async (id: number) =>
      ((await ask(id, 'tools/list', {})) as { result: { tools: { name: string }[] } }).result.tools.map(
        ({ name }) => name,
      )
    expect(await names(2)).toEqual(expect.arrayContaining(['mail_read', 'mail_update']))
    const found = await call(3, 'mail_search', { q: 'lunch', account: bob })
    const ref = /[\w-]+\.[\w-]+/.exec(
      (found.result.structuredContent as { hits: { ref: string }[] }).hits[0]!.ref,
    )?.[0] as string
    const held = hold(gateway, 'getMessage')
    const running = call(4, 'mail_read', { refs: [ref] })
    await expect.poll(held.count).toBeGreaterThan(0)
    const path = fill(api.tokens.revokeToken.path, token.id)
    await people.tell(people.admin, 'PATCH', path, { scopes: ['mail:meta'], accounts: [ann] })
    expect(JSON.stringify(await running)).toContain('forbidden')
    held.release()
    const left = await names(5)
    expect(left).toContain('mail_search')
    expect(left.filter(name => /read|update|move|folder$/.test(name))).toEqual([])
    for (const [id, name, more] of [
      [6, 'mail_read', {}],
      [7, 'mail_update', { add: ['flagged'] }],
    ] as const) {
      const { result } = await call(id, name, { refs: [ref], ...more })
      expect([name, result.isError, JSON.stringify(result)]).toEqual([name, true, expect.stringMatching(/forbidden/)])
    }
    const hidden = await call(8, 'mail_search', { q: 'lunch', account: bob })
    expect(JSON.stringify(hidden.result)).toContain('account_not_found')
    const uri = `mail://${bob}/folders/INBOX`
    expect(await ask(9, 'resources/subscribe', { uri })).toMatchObject({ error: {} })
    await people.tell(people.admin, 'DELETE', path)
    await session.ended
  },
)

test('what is missing is said in words, before anything is served', async () => {
  const dataDir = await freshData()
  const say = async (words: string[], environment: Record<string, string> = {}) => {
    const { code, stdout, stderr } = await runCommand(['mcp', ...words], { dataDir, environment })
    return [code, stdout, stderr.trim()]
  }
  expect(await say(['--url', 'http://127.0.0.1:1'])).toEqual([
    2,
    '',
    expect.stringContaining('RUSTYMAIL_TOKEN must be set'),
  ])
  expect(await say(['--url', 'mail.example.org'], { RUSTYMAIL_TOKEN: 'x' })).toEqual([
    2,
    '',
    expect.stringContaining('--url takes'),
  ])
  expect(await say(['--preset', 'sender'])).toEqual([78, '', expect.stringContaining('--preset must be one of')])
  const { child, errors } = startStdio([], { RUSTYMAIL_DATA_DIR: dataDir, RUSTYMAIL_TOKEN: 'rm_wrong' })
  expect(await codeOf(child)).toBe(1)
  expect(errors()).toContain('the token in RUSTYMAIL_TOKEN is wrong')
})

test('what the page gives Claude Desktop starts the bridge, with the folder put in', async () => {
  const { people, ann } = await startMcpWorld()
  const { secret } = await people.token(['mail:read'], [ann])
  const { lines } = setUpsFor({ origin: people.url, token: secret }).find(({ client }) => client === 'Claude Desktop')!
  const { command, args, env } = JSON.parse(lines.replace(anyFolder, root)).mcpServers.rustymail
  const { PATH = '', HOME = '' } = process.env
  const transport = new StdioClientTransport({ command, args, env: { PATH, HOME, ...env }, stderr: 'pipe' })
  const client = new Client({ name: 'claude-ai', version: '0.1.0' }, { versionNegotiation: { mode: 'legacy' } })
  onTestFinished(() => client.close())
  await client.connect(transport)
  const { content } = await client.callTool({ name: 'mail_search', arguments: { q: 'lunch' } })
  expect(JSON.stringify(content)).toContain('lunch')
})
