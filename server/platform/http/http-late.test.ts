/** Requests that last: a body that comes late or never, and an answer that takes long, while rights end. */

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { api } from '../../../contract/index.ts'
import { listenHere } from '../../../test/support/listen-here.ts'
import { openSession, selfSigned } from '../../../test/support/tls.ts'
import { createLogger } from '../logger.ts'
import { everyScope, type Principal } from '../principal.ts'
import { handleFetch } from './http-fetch.ts'
import type { RequestOutcome } from './http-outcome.ts'
import { handle } from './http-server.ts'
import { createHttpServer } from './http-setup.ts'
import type { TlsFiles } from './http-tls.ts'

const someone: Principal = { id: 'p', name: 'P', kind: 'token', userId: null, scopes: everyScope, accounts: 'all' }
const narrowed: Principal = { ...someone, scopes: new Set() }
const proof = { authorization: 'Bearer secret' }

async function door(tls?: TlsFiles) {
  const known: { now: Principal | undefined } = { now: someone }
  const outcomes: RequestOutcome[] = []
  const lines: string[] = []
  const say = (level: string) => (_facts: object, words: string) => void lines.push(`${level}: ${words}`)
  const logger = Object.assign(createLogger('silent'), {
    debug: say('debug'),
    warn: say('warn'),
    error: say('error'),
  })
  const http = createHttpServer({
    logger,
    authenticate: () => known.now,
    observe: outcome => outcomes.push(outcome),
    trail: { isFull: false, record: async outcome => void outcomes.push(outcome) },
    origins: { publicUrl: undefined, allowed: [], isHttps: tls !== undefined },
    trustedProxies: [],
    tls,
  })
  const acted: string[] = []
  handle(http, api.users.inviteUser, ({ principal, caller }) => {
    acted.push(`${principal.scopes.size} ${caller.principal.scopes.size}`)
    return Promise.reject(new Error('far enough'))
  })
  handleFetch(http, '/web', { name: 'web', scope: 'signed_in', effect: 'read' }, 64 * 1024, async ({ caller }) => {
    acted.push(String(caller.principal.scopes.size))
    return Response.json({})
  })
  const slow = Promise.withResolvers<void>()
  handle(http, api.mail.listFolders, async () => {
    acted.push('reading')
    await slow.promise
    return {
      items: [],
      next_cursor: null,
      omitted: 0,
      counts: { state: 'complete' as const, pending: 0, as_of: null },
      source: 'mail_server' as const,
      as_of: '2026-11-28T12:00:00.000Z',
    }
  })
  const port = await listenHere(http)
  return { http, known, outcomes, lines, acted, slow, port }
}

/** Sends a head that identifies its sender, and part of the body; resolves once the server has read that. */
async function begin(port: number, path: string, body: string) {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let text = ''
  socket.on('data', chunk => {
    text += chunk
  })
  socket.on('error', () => undefined)
  const lines = ['Host: x', `Authorization: ${proof.authorization}`, 'Content-Type: application/json']
  const wanted = ['Expect: 100-continue', 'Connection: close', `Content-Length: ${body.length}`]
  socket.write(`POST ${path} HTTP/1.1\r\n${[...lines, ...wanted].join('\r\n')}\r\n\r\n${body.slice(0, 5)}`)
  await once(socket, 'data')
  expect(text).toContain('100 Continue')
  return {
    socket,
    end: async () => {
      socket.write(body.slice(5))
      await once(socket, 'close')
      return Number(/HTTP\/1.1 ([2-5]\d\d)/.exec(text)?.[1])
    },
  }
}

const invitation = JSON.stringify({ email: 'x@example.com', name: 'X', role: 'administrator', accounts: 'all' })

test.each([
  ['an endpoint', api.users.inviteUser.path],
  ['a handler of web standards', '/web'],
])('who is revoked while the body comes is refused by %s', async (_name, path) => {
  const { port, known, acted, outcomes } = await door()
  const sent = await begin(port, path, invitation)
  known.now = undefined
  expect(await sent.end()).toBe(401)
  expect(acted).toEqual([])
  await expect
    .poll(() => outcomes.map(({ code, caller }) => [code, caller]))
    .toContainEqual(['unauthorized', undefined])
})

test('a principal whose rights are narrowed while the body arrives acts with what is left', async () => {
  const { port, known, acted } = await door()
  const [refused, letIn] = [
    await begin(port, api.users.inviteUser.path, invitation),
    await begin(port, '/web', '{}    '),
  ]
  known.now = narrowed
  expect([await refused.end(), await letIn.end()]).toEqual([403, 200])
  expect(acted).toEqual(['0'])
})

test.each([
  ['is revoked', undefined, 401],
  ['loses the scope', narrowed, 403],
  ['loses the account', { ...someone, accounts: new Set<string>() }, 404],
  ['loses another account, which might be in the answer', { ...someone, accounts: new Set(['a1']) }, 403],
  ['stays the same', { ...someone }, 200],
])('what is read slowly is sent only to a caller that may still have it: one who %s', async (_name, later, status) => {
  const { port, known, acted, slow } = await door()
  const answer = fetch(`http://127.0.0.1:${port}/api/v1/accounts/a1/folders`, { headers: proof })
  await expect.poll(() => acted).toEqual(['reading'])
  known.now = later
  const now = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => now() + 501)
  onTestFinished(() => void vi.restoreAllMocks())
  slow.resolve()
  expect((await answer).status).toBe(status)
})

test('a client that disconnects in the middle of a body is no fault of the database, and nothing is recorded', async () => {
  const { http, port, outcomes, lines, acted } = await door()
  const { socket } = await begin(port, api.users.inviteUser.path, invitation)
  socket.resetAndDestroy()
  await expect.poll(() => lines).toEqual(['debug: a request was cut off'])
  await http.whenIdle()
  expect([outcomes, acted]).toEqual([[], []])
})

test('over HTTP/2 too', async () => {
  const { certFile, keyFile } = selfSigned()
  const [cert, key] = [readFileSync(certFile), readFileSync(keyFile)]
  const { http, port, outcomes, lines, acted, known } = await door({ cert, key })
  const session = await openSession(`https://127.0.0.1:${port}`, cert, {})
  const post = { ':path': api.users.inviteUser.path, ':method': 'POST', 'content-type': 'application/json', ...proof }
  const ask = async () => {
    const asked = session.request({ ...post, 'content-length': invitation.length, expect: '100-continue' })
    asked.on('error', () => undefined)
    await once(asked, 'continue')
    asked.write(invitation.slice(0, 5))
    return asked
  }
  const cut = await ask()
  cut.close(8)
  await once(cut, 'close')
  await http.whenIdle()
  expect(outcomes).toEqual([])
  const late = await ask()
  known.now = undefined
  late.end(invitation.slice(5))
  const [head] = await once(late, 'response')
  expect(head[':status']).toBe(401)
  expect([acted, lines.filter(line => !line.startsWith('debug'))]).toEqual([[], []])
})

test('with and without TLS, a request that is not whole in time is cut soon after', async () => {
  const { certFile, keyFile } = selfSigned()
  const files = { cert: readFileSync(certFile), key: readFileSync(keyFile) }
  for (const { http } of [await door(), await door(files)]) {
    expect(http.fastify.server).toMatchObject({
      // Bodies have a clock of their own.
      requestTimeout: 0,
      headersTimeout: 60_000,
      connectionsCheckingInterval: 5_000,
    })
  }
})
