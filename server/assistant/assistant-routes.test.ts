/** The chatbot over real HTTP: whole, streamed, refused and abandoned. */
import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { ChatbotPart, ChatbotResponse } from '../../contract/assistant.ts'
import { ScriptedModel, type ScriptLine } from '../../test/support/scripted-model.ts'
import type { RequestOutcome, Trail } from '../platform/http/http-outcome.ts'
import { createHttpServer } from '../platform/http/http-server.ts'
import { createLogger } from '../platform/logger.ts'
import { everyScope } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { usualLimits } from './assistant-limits.ts'
import { assistantRoutes } from './assistant-routes.ts'
import { AssistantService } from './assistant-service.ts'
import type { Part } from './chat-model.ts'
import { ModelChain } from './model-chain.ts'

const finish: Part = { type: 'finish', usage: null, reason: 'stop' }
const words = (text: string): Part => ({ type: 'text_delta', text })
const forever = new Promise(() => undefined)
const headers = { 'x-api-key': 'k', 'content-type': 'application/json' }
const streaming = { ...headers, accept: 'text/event-stream' }
const body = JSON.stringify({ query: 'What is IMAP?' })

const serve = (...script: ScriptLine[]) => serveScript(script)

async function serveScript(script: readonly ScriptLine[], trail?: Trail) {
  const lines: string[] = []
  const logger = createLogger('trace', { write: line => void lines.push(line) })
  const http = createHttpServer({
    logger,
    authenticate: () => ({ id: 'p', name: 'p', kind: 'api_key', userId: null, scopes: everyScope, accounts: 'all' }),
    observe: () => undefined,
    origins: { publicUrl: undefined, allowed: [], isHttps: false },
    trustedProxies: [],
    ...(trail ? { trail } : {}),
  })
  const model = new ScriptedModel({ model: 'm', script })
  const models = script.length > 0 ? [model] : []
  const choice = new ModelChain({ logger })
  const common = { shareOf: () => 'none' as const, priceInput: null, priceOutput: null }
  choice.use(
    models.map(each => ({ ...common, model: each, kind: each.provider, identity: each.id })),
    usualLimits,
  )
  assistantRoutes(http, new AssistantService({ choice, logger }))
  await http.fastify.listen({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => {
    http.fastify.server.closeAllConnections()
    return http.fastify.close()
  })
  const { port } = http.fastify.server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/api/dashboard/chatbot`, model, lines }
}

function partsIn(text: string): ChatbotPart[] {
  const frames = text.split('\n\n').filter(frame => frame !== '')
  return frames.map(frame => {
    const { type, data } = /^event: (?<type>\S+)\ndata: (?<data>.*)$/.exec(frame)?.groups ?? {}
    const part = ChatbotPart.parse(JSON.parse(data ?? ''))
    expect(type).toBe(part.type)
    return part
  })
}

test('a question is answered whole as JSON', async () => {
  const { url } = await serve(words('A '), words('protocol.'), finish)
  const response = await fetch(`${url}/query`, { method: 'POST', headers, body })
  expect(response.status).toBe(200)
  const answer = ChatbotResponse.parse(await response.json())
  expect(answer).toMatchObject({ response: 'A protocol.', provider: 'scripted', model: 'm' })
})

test('what was asked is in the trail, once, before the first byte of a streamed answer', async () => {
  const noted: RequestOutcome[] = []
  const kept = Promise.withResolvers<void>()
  const record = (outcome: RequestOutcome) => {
    noted.push(outcome)
    return kept.promise
  }
  const { url } = await serveScript([words('A '), forever], { isFull: false, record })
  const gone = new AbortController()
  let isAnswered = false
  const asked = fetch(`${url}/query`, { method: 'POST', headers: streaming, body, signal: gone.signal })
  const answered = asked.then(response => {
    isAnswered = true
    return response
  })
  await expect.poll(() => noted).toMatchObject([{ operation: 'assistant.queryChatbot', status: 200, code: 'ok' }])
  // A whole other request goes by meanwhile.
  expect((await fetch(`${url}/providers`, { headers })).status).toBe(200)
  expect(isAnswered).toBe(false)
  kept.resolve()
  expect((await answered).status).toBe(200)
  gone.abort()
  await vi.waitFor(() => expect(noted.map(({ operation }) => operation)).toContain('assistant.listProviders'))
  expect(noted.filter(({ operation }) => operation === 'assistant.queryChatbot')).toHaveLength(1)
})

test('a question is answered as a stream when the client accepts one', async () => {
  const gate = Promise.withResolvers<void>()
  const { url } = await serve(words('A '), gate.promise, words('line\nbreak'), finish)
  const response = await fetch(`${url}/query`, { method: 'POST', headers: streaming, body })
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(response.headers.get('x-accel-buffering')).toBe('no')
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('"A "')) text += (await reader.read()).value
  // The first words are here while the model still thinks.
  gate.resolve()
  for (let next = await reader.read(); !next.done; next = await reader.read()) text += next.value
  const parts = partsIn(text)
  expect(parts.map(({ type }) => type)).toEqual(['start', 'text_delta', 'text_delta', 'finish'])
  expect(parts.at(-1)).toMatchObject({ result: { response: 'A line\nbreak' } })
})

test.each([
  ['as JSON', headers],
  ['as a stream', streaming],
])('a question %s that nobody can answer is answered as a problem with its status', async (_how, headers) => {
  const none = await serve()
  const refused = await fetch(`${none.url}/query`, { method: 'POST', headers, body })
  expect(refused.status).toBe(503)
  expect(refused.headers.get('content-type')).toContain('application/problem+json')
  expect(await refused.json()).toMatchObject({ code: 'no_model_configured' })
  const worn = await serve(new Problem('provider_failed', 'scripted is worn out.'))
  const failed = await fetch(`${worn.url}/query`, { method: 'POST', headers, body })
  expect(failed.status).toBe(502)
  expect(await failed.json()).toMatchObject({ code: 'provider_failed', detail: 'scripted is worn out.' })
})

test('a failure after the first words is the last part of the stream', async () => {
  const { url } = await serve(words('A '), new Problem('provider_failed', 'scripted is worn out.'))
  const response = await fetch(`${url}/query`, { method: 'POST', headers: streaming, body })
  const parts = partsIn(await response.text())
  expect(parts.map(({ type }) => type)).toEqual(['start', 'text_delta', 'error'])
  const instance = response.headers.get('x-request-id')
  expect(parts.at(-1)).toMatchObject({
    problem: { code: 'provider_failed', detail: 'scripted is worn out.', instance },
  })
})

test('a bug after the first words is told without detail and logged', async () => {
  const { url, lines } = await serve(words('A '), new TypeError('a secret detail'))
  const response = await fetch(`${url}/query`, { method: 'POST', headers: streaming, body })
  const text = await response.text()
  expect(partsIn(text).at(-1)).toMatchObject({ problem: { code: 'internal' } })
  expect(text).not.toContain('a secret detail')
  expect(lines.join()).toContain('a secret detail')
})

test.each([
  ['a stream', streaming],
  ['an answer', headers],
])('a client that leaves in the middle of %s ends the request to the model, and is no bug', async (_what, headers) => {
  const { url, model, lines } = await serve(words('A '), forever)
  const leave = new AbortController()
  const asking = fetch(`${url}/query`, { method: 'POST', headers, body, signal: leave.signal }).then(r => r.text())
  asking.catch(() => undefined)
  await vi.waitFor(() => expect(model.requests).toHaveLength(1))
  expect(model.requests[0]?.signal.aborted).toBe(false)
  leave.abort()
  await expect(asking).rejects.toThrow()
  await vi.waitFor(() => expect(model.requests[0]?.signal.aborted).toBe(true))
  expect(lines.filter(line => /"level":"(warn|error)"/.test(line))).toEqual([])
})

test('a client that reads nothing holds up the model instead of filling the memory', async () => {
  let given = 0
  const script = Array.from({ length: 195_000 }, () => words('x'))
  const { url, model } = await serveScript(script)
  const stream = model.stream.bind(model)
  vi.spyOn(model, 'stream').mockImplementation(async function* (request) {
    for await (const part of stream(request)) {
      given += 1
      yield part
    }
  })
  const asking = request(`${url}/query`, { method: 'POST', headers: streaming })
  asking.on('error', () => undefined)
  // With a listener that reads nothing, Node leaves the body on the wire.
  asking.on('response', () => undefined)
  onTestFinished(() => void asking.destroy())
  asking.end(body)
  let before = 0
  const standsStill = () => {
    const last = before
    before = given
    expect(given).toBeGreaterThan(0)
    expect(given).toBe(last)
  }
  await vi.waitFor(standsStill, { interval: 150 })
  expect(given).toBeLessThan(script.length)
})

test('the providers are listed in the order in which they are tried', async () => {
  const { url } = await serve(finish)
  const response = await fetch(`${url}/providers`, { headers })
  expect(await response.json()).toEqual({
    items: [{ id: 'scripted', provider: 'scripted', model: 'm', is_local: false }],
  })
})
