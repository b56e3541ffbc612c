/**
 * Third-party clients, over each transport, against a whole RustyMail with either adapter: all list the same tools and
 * find the same mail.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Client as ClientV2, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { expect, onTestFinished, test } from 'vitest'
import { mcpPath, ssePath } from '../../contract/mcp.ts'
import { goPeer, peerFile, pythonOfPeers, pythonPeer, requireOfPeers } from '../support/mcp-peers.ts'
import { startMcpWorld } from '../support/mcp-world.ts'
import { available } from '../support/require.ts'
import { tempDir } from '../support/temp-dir.ts'

interface Seen {
  tools: string[]
  /** The result of the search. */
  found: string
}

/** What a client is told about the server. */
interface Place {
  http: string
  sse: string
  /** The command of a server on stdio. */
  command: string[]
  token: string
}

type See = (place: Place) => Promise<Seen>

const root = join(import.meta.dirname, '../..')

async function run(command: string, args: string[], token: string): Promise<string> {
  const home = tempDir('peer')
  onTestFinished(() => home.remove())
  const { PATH } = process.env
  const env = { PATH, HOME: home.path, RUSTYMAIL_TOKEN: token }
  const child: ChildProcess = spawn(command, args, { env, cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const said = { out: '', err: '' }
  child.stdout?.on('data', data => {
    said.out += data
  })
  child.stderr?.on('data', data => {
    said.err += data
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${said.err.slice(-2000)}`)
  return said.out
}

/** `npx @modelcontextprotocol/inspector --cli`, once per method. */
const inspector =
  (transport: 'http' | 'sse' | 'stdio'): See =>
  async place => {
    const launcher = peerFile('@modelcontextprotocol/inspector/clients/launcher/build/index.js')
    const header = `Authorization: Bearer ${place.token}`
    const target =
      transport === 'stdio'
        ? ['-e', `RUSTYMAIL_TOKEN=${place.token}`, '--', ...place.command]
        : ['--transport', transport, '--server-url', place[transport], '--header', header]
    const ask = async (...words: string[]) =>
      JSON.parse(await run(process.execPath, [launcher, '--cli', ...words, ...target], place.token))
    const { tools } = await ask('--method', 'tools/list')
    const found = await ask('--method', 'tools/call', '--tool-name', 'mail_search', '--tool-arg', 'q=lunch')
    return { tools: namesOf(tools), found: JSON.stringify(found) }
  }

/** The SDK from before 2026. */
const sdk1 =
  (transport: 'http' | 'sse' | 'stdio'): See =>
  async place => {
    const { Client } = requireOfPeers('@modelcontextprotocol/sdk/client/index.js')
    const client = new Client({ name: 'v1', version: '1' })
    const requestInit = { headers: { authorization: `Bearer ${place.token}` } }
    const makers = {
      http: () => {
        const { StreamableHTTPClientTransport: Http } = requireOfPeers(
          '@modelcontextprotocol/sdk/client/streamableHttp.js',
        )
        return new Http(new URL(place.http), { requestInit })
      },
      sse: () => {
        const { SSEClientTransport: Sse } = requireOfPeers('@modelcontextprotocol/sdk/client/sse.js')
        return new Sse(new URL(place.sse), { requestInit })
      },
      stdio: () => {
        const { StdioClientTransport: Stdio } = requireOfPeers('@modelcontextprotocol/sdk/client/stdio.js')
        const [command, ...args] = place.command
        return new Stdio({ command, args, cwd: root, env: { ...process.env, RUSTYMAIL_TOKEN: place.token } })
      },
    }
    await client.connect(makers[transport]())
    try {
      const { tools } = await client.listTools()
      const found = await client.callTool({ name: 'mail_search', arguments: { q: 'lunch' } })
      return { tools: namesOf(tools), found: JSON.stringify(found) }
    } finally {
      await client.close()
    }
  }

const sdk2 =
  (mode: 'legacy' | 'auto'): See =>
  async place => {
    const client = new ClientV2({ name: 'v2', version: '1' }, { versionNegotiation: { mode } })
    const requestInit = { headers: { authorization: `Bearer ${place.token}` } }
    await client.connect(new StreamableHTTPClientTransport(new URL(place.http), { requestInit }))
    try {
      const { tools } = await client.listTools()
      const found = await client.callTool({ name: 'mail_search', arguments: { q: 'lunch' } })
      return { tools: namesOf(tools), found: JSON.stringify(found) }
    } finally {
      await client.close()
    }
  }

const vercel =
  (type: 'http' | 'sse'): See =>
  async place => {
    const { createMCPClient } = await import(peerFile('@ai-sdk/mcp/dist/index.js'))
    const headers = { authorization: `Bearer ${place.token}` }
    const client = await createMCPClient({ transport: { type, url: place[type], headers } })
    try {
      const tools = await client.tools()
      const options = { toolCallId: '1', messages: [] }
      const found = await tools.mail_search.execute({ q: 'lunch' }, options)
      return { tools: Object.keys(tools), found: JSON.stringify(found) }
    } finally {
      await client.close()
    }
  }

/** A program that prints what it received. */
const program =
  (words: string[], transport: 'http' | 'sse' | 'stdio'): See =>
  async place => {
    const target = transport === 'stdio' ? place.command : [place[transport]]
    const [command = '', ...args] = [...words, transport, ...target]
    const { tools, found } = JSON.parse(await run(command, args, place.token))
    return { tools, found: JSON.stringify(found) }
  }

const python = [pythonOfPeers, pythonPeer]
const transports = ['http', 'sse', 'stdio'] as const
const over = (name: string, see: (transport: (typeof transports)[number]) => See): [string, See][] =>
  transports.map(transport => [`${name} over ${transport}`, see(transport)])

function clients(): [string, See][] {
  const all: [string, See][] = [
    ['SDK v2', sdk2('auto')],
    ['SDK v2 of before 2026', sdk2('legacy')],
  ]
  if (available('mcp-peers')) {
    all.push(...over('SDK v1', sdk1), ...over('the inspector', inspector))
    all.push(['the AI SDK over http', vercel('http')], ['the AI SDK over sse', vercel('sse')])
  }
  if (available('python-mcp')) all.push(...over('Python', transport => program(python, transport)))
  // No Debian has a Go that is new enough, so it is optional.
  if (existsSync(goPeer)) all.push(...over('Go', transport => program([goPeer], transport)))
  return all
}

test.each(['sdk', 'native'])('with %s every client lists the same tools and finds the mail', async adapter => {
  const { people, ann } = await startMcpWorld({ environment: { RUSTYMAIL_MCP_ADAPTER: adapter } })
  const { secret } = await people.token(['mail:read'], [ann])
  const place: Place = {
    http: people.url + mcpPath,
    sse: people.url + ssePath,
    command: [process.execPath, 'bin/rustymail.js', '--sources', 'mcp', '--url', people.url],
    token: secret,
  }
  const wrong: Record<string, unknown> = {}
  const { tools: wanted } = await sdk2('auto')(place)
  expect(wanted).toEqual(expect.arrayContaining(['mail_accounts', 'mail_search', 'mail_read']))
  expect(wanted).not.toContain('mail_send')
  // On stdio all use the same bridge to HTTP, whichever adapter serves that.
  const names = clients().filter(([name]) => adapter === 'sdk' || !name.endsWith('stdio'))
  // A few concurrently: most are processes that start a whole runtime.
  const waiting = [...names]
  const next = async (): Promise<void> => {
    const [name, see] = waiting.shift() ?? []
    if (name === undefined || see === undefined) return
    const seen = await see(place).catch((error: unknown) => ({ tools: [String(error)], found: '' }))
    if (!seen.found.includes('cy@example.org') || seen.tools.join() !== wanted.join()) wrong[name] = seen
    return next()
  }
  await Promise.all([next(), next(), next()])
  expect(wrong).toEqual({})
  expect(names.length).toBeGreaterThan(1)
})

function namesOf(tools: { name: string }[]): string[] {
  return tools.map(({ name }) => name)
}
