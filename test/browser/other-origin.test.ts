/**
 * Pages of other origins: those in RUSTYMAIL_ALLOWED_ORIGINS may call with a token, and none may with a user's session.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser } from 'playwright-core'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { launchBrowser } from '../support/browser.ts'
import { available } from '../support/require.ts'
import { apiKey, startHere } from '../support/rustymail.ts'
import { signIn } from '../support/signed-in.ts'

/** Serves an empty page on an origin of its own. */
async function startPage(): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>A page of others</title>')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close().closeAllConnections())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe.skipIf(!available('chromium'))('in Chromium', () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await launchBrowser()
    return () => browser.close()
  })

  async function world() {
    const [named, other] = [await startPage(), await startPage()]
    const run = await startHere({ environment: { RUSTYMAIL_ALLOWED_ORIGINS: named } })
    // Cookies know no ports, so both pages send its session.
    const context = await browser.newContext({ storageState: await signIn(browser, run.setupLink) })
    onTestFinished(() => context.close())
    const open = async (origin: string) => {
      const page = await context.newPage()
      await page.goto(origin)
      return page
    }
    return { run, named: await open(named), other: await open(other) }
  }

  test('a page that is named reads figures, events, MCP and refusals by a token; another page reads nothing', async () => {
    const { run, named, other } = await world()
    const asked = { url: run.url, token: apiKey }

    const stats = ({ url, token }: typeof asked) =>
      fetch(`${url}/api/dashboard/stats`, { headers: { authorization: `Bearer ${token}` } }).then(
        async answer => ({ status: answer.status, left: answer.headers.get('ratelimit'), body: await answer.json() }),
        (error: Error) => error.name,
      )
    expect(await named.evaluate(stats, asked)).toMatchObject({
      status: 200,
      left: expect.stringContaining('r='),
      body: { uptime_seconds: expect.any(Number) },
    })
    expect(await other.evaluate(stats, asked)).toBe('TypeError')

    const firstEvents = async ({ url, token }: typeof asked) => {
      const headers = { authorization: `Bearer ${token}`, 'last-event-id': 'none' }
      const answer = await fetch(`${url}/api/dashboard/events`, { headers })
      const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
      let text = ''
      while (!text.includes('event: gap')) text += (await reader.read()).value ?? ''
      await reader.cancel()
      return text
    }
    expect(await named.evaluate(firstEvents, asked)).toContain('"reason":"malformed"')

    const initialize = async ({ url, token }: typeof asked) => {
      const clientInfo = { name: 'page', version: '1' }
      const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo }
      const answer = await fetch(`${url}/mcp`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': '2025-06-18',
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
      })
      return { status: answer.status, text: await answer.text() }
    }
    const { status, text } = await named.evaluate(initialize, asked)
    expect([status, text]).toEqual([200, expect.stringContaining('"name":"rustymail"')])

    const refusals = async ({ url }: typeof asked) => {
      const headers = { authorization: 'Bearer wrong', 'idempotency-key': '1' }
      const answers = await Promise.all([
        fetch(`${url}/api/dashboard/stats`, { headers }),
        fetch(`${url}/api/nothing`, { method: 'POST', headers }),
        fetch(`${url}/api/dashboard/stats`, { method: 'DELETE', headers }),
      ])
      const codes = await Promise.all(answers.map(async each => ((await each.json()) as { code: string }).code))
      return answers.map(({ status, headers }, at) => [status, codes[at], headers.get('allow')])
    }
    expect(await named.evaluate(refusals, asked)).toEqual([
      [401, 'unauthorized', null],
      [404, 'not_found', null],
      [405, 'method_not_allowed', 'GET, HEAD'],
    ])
  })

  test('no other page can use the session of a person, whether it is named or not', async () => {
    const { run, named, other } = await world()
    const { id } = (await run.call(api.clients.listClients)).clients[0]!
    const withSession = async ({ url, id }: { url: string; id: string }) => {
      const read = (answer: Response) => `read ${answer.status}`
      const unread = (error: Error) => error.name
      const options = { credentials: 'include' } as const
      const paths = ['/api/dashboard/stats', '/api/dashboard/events', '/api/dashboard/session']
      return Promise.all([
        ...paths.map(path => fetch(url + path, options).then(read, unread)),
        fetch(`${url}/api/dashboard/clients/${id}`, { ...options, method: 'DELETE' }).then(read, unread),
        new Promise(resolve => {
          const source = new EventSource(`${url}/api/dashboard/events`, { withCredentials: true })
          source.onopen = () => resolve('open')
          source.onerror = () => resolve('error')
        }),
      ])
    }
    const nothing = ['TypeError', 'TypeError', 'TypeError', 'TypeError', 'error']
    for (const page of [named, other]) {
      expect((await page.context().cookies(run.url)).map(({ name }) => name)).toContain('rustymail_session')
      expect(await page.evaluate(withSession, { url: run.url, id })).toEqual(nothing)
    }
    const { clients } = await run.call(api.clients.listClients)
    expect(clients.map(each => each.id)).toContain(id)
  })
})
