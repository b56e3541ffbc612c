/** Connections that last, by the native adapter, as far as the suite of both adapters does not see it: ends, cancellation, and back-pressure both ways. */
import { expect, onTestFinished, test, vi } from 'vitest'
import {
  eventsOf,
  handshake,
  introduction,
  modern,
  overStdio,
  request,
  startNative,
  toolsChanged,
} from '../../test/support/native-mcp.ts'
import { patience } from '../../test/support/patience.ts'
import { Problem } from '../platform/problem.ts'
import { bounds, lastAnswersMs } from './native-protocol.ts'

const call = (name: string) => ({ name, arguments: {} })

function started() {
  const native = startNative()
  const context = native.asking()
  const stdio = overStdio(native.port, { context })
  onTestFinished(() => stdio.session.cut())
  return { ...native, ...stdio, asking: context }
}

test('all that is sent at once and closed is answered, then it ends', async () => {
  const { write, next, listen, input, session } = started()
  listen()
  write(handshake('2025-11-25'), ...Array.from({ length: 200 }, (_, id) => request(id, 'tools/call', call('echo'))))
  input.end()
  expect(await next()).toMatchObject({ id: 'hello' })
  const ids = new Set()
  for (let turn = 0; turn < 200; turn++) ids.add((await next())?.id)
  expect(ids.size).toBe(200)
  await session.ended
})

test('streams of extensions hold up nothing: more than calls may run, and what comes then is read', async () => {
  const quiet = (_: unknown, { signal }: { signal: AbortSignal }) =>
    new Promise<Record<string, never>>(resolve => signal.addEventListener('abort', () => resolve({})))
  const methods = { 'quiet/stream': { isStream: true, answer: quiet } }
  const { port, asking } = startNative({ extensions: [{ name: 'org.example/quiet', settings: {}, methods }] })
  const { session, write, next, listen } = overStdio(port, { context: asking() })
  onTestFinished(() => session.cut())
  listen()
  write(handshake('2025-11-25'))
  expect(await next()).toMatchObject({ id: 'hello' })
  write(...Array.from({ length: bounds.requests + 1 }, (_, id) => request(id, 'quiet/stream')))
  write(request('p', 'ping'))
  expect(await next()).toMatchObject({ id: 'p', result: {} })
  write(...Array.from({ length: bounds.streams - bounds.requests }, (_, id) => request(`s${id}`, 'quiet/stream')))
  expect(await next()).toMatchObject({ error: { message: `${bounds.streams} streams are open already.` } })
})

test('while as many calls run as may, a cancellation is read: of one that runs, and of one that waits, which never begins', async () => {
  const { write, next, listen, running } = started()
  listen()
  write(handshake('2025-11-25'))
  expect(await next()).toMatchObject({ id: 'hello' })
  write(...Array.from({ length: bounds.requests }, (_, id) => request(id, 'tools/call', call('hold'))))
  await vi.waitFor(() => expect(running).toHaveLength(bounds.requests), patience)
  const cancel = (requestId: number) => ({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } })
  write(request(100, 'tools/call', call('echo')), request(101, 'tools/call', call('echo')), cancel(100), cancel(3))
  await vi.waitFor(() => expect(running[3]?.context.signal.aborted).toBe(true), patience)
  running[3]?.release()
  // The cancelled call freed its slot, and the first of those that waited is gone.
  expect(await next()).toMatchObject({ id: 101 })
  for (const each of running) each.release()
  const ids = new Set()
  for (let turn = 1; turn < bounds.requests; turn++) ids.add((await next())?.id)
  expect([ids.size, ids.has(3), ids.has(100)]).toEqual([bounds.requests - 1, false, false])
})

test('when the input ends, what does not end by itself is given up', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const { write, next, listen, input, session, running } = started()
  listen()
  write(handshake('2025-11-25'), request(1, 'tools/call', call('hold')))
  expect(await next()).toMatchObject({ id: 'hello' })
  expect(running).toHaveLength(1)
  input.end()
  await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1))
  vi.advanceTimersByTime(lastAnswersMs)
  await session.ended
  expect(running[0]?.context.signal.aborted).toBe(true)
})

test('a request that is cancelled is never answered, and its id is free again', async () => {
  const { write, next, listen, running } = started()
  listen()
  write(handshake('2025-11-25'))
  expect(await next()).toMatchObject({ id: 'hello' })
  write(request(1, 'tools/call', call('wait')), request(1, 'ping'))
  expect(await next()).toMatchObject({ id: 1, error: { code: -32_600 } })
  write({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1, reason: 'enough' } })
  await expect.poll(() => running[0]?.context.signal.aborted).toBe(true)
  write({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'other' } }, request(1, 'ping'))
  expect(await next()).toMatchObject({ id: 1, result: {} })
})

test('a subscription that is cancelled hears nothing more; what listens is told of the end', async () => {
  const { write, next, listen, session } = started()
  listen()
  const params = { _meta: introduction(), notifications: { toolsListChanged: true } }
  write(request('a', 'subscriptions/listen', params), request('b', 'subscriptions/listen', params))
  const id = 'io.modelcontextprotocol/subscriptionId'
  expect(await next()).toMatchObject({ params: { _meta: { [id]: 'a' } } })
  expect(await next()).toMatchObject({ params: { _meta: { [id]: 'b' } } })
  session.publish(toolsChanged)
  write({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'a' } })
  // What waited for the other is no longer sent.
  expect(await next()).toMatchObject({ method: 'notifications/tools/list_changed', params: { _meta: { [id]: 'b' } } })
  write(request('c', 'server/discover', { _meta: introduction() }))
  expect(await next()).toMatchObject({ id: 'c' })
  session.publish(toolsChanged)
  expect(await next()).toMatchObject({ params: { _meta: { [id]: 'b' } } })
  const closed = session.close()
  expect(await next()).toMatchObject({ id: 'b', result: { resultType: 'complete', _meta: { [id]: 'b' } } })
  await closed
})

test('a call that is ended answers with the reason before the session says goodbye', async () => {
  const { write, next, listen, session, running, asking } = started()
  listen()
  write(handshake('2025-11-25'), request(1, 'tools/call', call('wait')))
  expect(await next()).toMatchObject({ id: 'hello' })
  await expect.poll(() => running.length).toBe(1)
  asking.end(new Problem('unauthorized', 'Revoked.'))
  const closed = session.close()
  expect(await next()).toMatchObject({ id: 1, result: { isError: true, content: [{ text: 'unauthorized' }] } })
  await closed
})

test('progress is told before the answer, and never after it', async () => {
  const { write, next, listen, running } = started()
  listen()
  const progress = { _meta: { progressToken: 't' } }
  write(handshake('2025-11-25'))
  expect(await next()).toMatchObject({ id: 'hello' })
  write(
    request(1, 'tools/call', { ...call('count'), ...progress }),
    request(2, 'tools/call', { ...call('hold'), ...progress }),
  )
  expect(await next()).toMatchObject({
    method: 'notifications/progress',
    params: { progressToken: 't', progress: 500 },
  })
  expect(await next()).toMatchObject({ id: 1 })
  const { context, release } = running[0]!
  release()
  expect(await next()).toMatchObject({ id: 2 })
  context.progress({ progress: 1 })
  write(request(3, 'ping'))
  expect(await next()).toMatchObject({ id: 3 })
})

test('both eras share a connection: each request is of the one that it says', async () => {
  const { write, next, listen } = started()
  listen()
  write(handshake('2025-06-18', { roots: {} }), request(1, 'tools/call', call('who')))
  expect(await next()).toMatchObject({ result: { protocolVersion: '2025-06-18' } })
  const said = async () => {
    const { result } = (await next()) ?? {}
    return JSON.parse((result as { content: { text: string }[] }).content[0]!.text)
  }
  expect(await said()).toMatchObject({ revision: '2025-06-18', capabilities: { roots: {} } })
  write(request(2, 'tools/call', { ...call('who'), _meta: introduction({ sampling: {} }) }))
  expect(await said()).toMatchObject({ revision: modern, capabilities: { sampling: {} } })
  write(
    request(3, 'tools/list', { _meta: { ...introduction(), 'io.modelcontextprotocol/protocolVersion': '2030-01-01' } }),
  )
  expect(await next()).toMatchObject({ id: 3, error: { code: -32_022, data: { supported: [modern] } } })
  write(request(4, 'tools/list', { _meta: { 'io.modelcontextprotocol/protocolVersion': modern } }))
  expect(await next()).toMatchObject({ id: 4, error: { code: -32_602 } })
})

test('a client that writes and does not read is not read either, and loses nothing', async () => {
  const { write, next, listen, input, output, session, running } = started()
  write(handshake('2025-11-25'))
  for (let id = 0; id < 3_000; id++) write(request(id, 'tools/list'))
  await expect.poll(() => input.isPaused()).toBe(true)
  // Only what the pipe and the queue hold is buffered.
  expect(output.readableLength).toBeLessThan(200_000)
  listen()
  expect(await next()).toMatchObject({ id: 'hello' })
  for (let id = 0; id < 3_000; id++) expect((await next())?.id).toBe(id)
  write(...Array.from({ length: bounds.requests + 5 }, (_, id) => request(`w${id}`, 'tools/call', call('hold'))))
  await expect.poll(() => running.length).toBe(bounds.requests)
  for (const one of running) one.release()
  await expect.poll(() => running.length).toBe(bounds.requests + 5)
  expect(session.revision).toBe('2025-11-25')
})

test('over HTTP+SSE a session has so many requests under way, and so many subscriptions', async () => {
  const { port, asking, running } = startNative()
  const session = port.openSse('/messages', { context: asking() })
  const events = eventsOf(session.body)
  await events.next()
  const post = (frame: unknown) => port.postSse(session, frame, asking())
  await post(handshake('2024-11-05'))
  await events.next()
  for (let id = 0; id < bounds.requests; id++) await post(request(id, 'tools/call', call('hold')))
  await post(request('more', 'ping'))
  expect(await events.next()).toMatchObject({
    id: 'more',
    error: { message: `${bounds.requests} requests are under way already.` },
  })
  for (const one of running.splice(0)) one.release()
  for (let id = 0; id < bounds.requests; id++) await events.next()
  for (let at = 0; at < bounds.uris; at++) {
    await post(request(at, 'resources/subscribe', { uri: `mail://a/${at}` }))
    expect(await events.next()).toMatchObject({ result: {} })
  }
  await post(request('one', 'resources/subscribe', { uri: 'mail://a/more' }))
  expect(await events.next()).toMatchObject({ id: 'one', error: { code: -32_602 } })
  // The poster may disconnect: the session continues its request.
  const poster = asking()
  await port.postSse(session, request('late', 'tools/call', call('hold')), poster)
  poster.end()
  running[0]?.release()
  expect(await events.next()).toMatchObject({ id: 'late', result: { content: [{ text: 'released' }] } })
})

test('a session has so many subscriptions, also if they are asked for all at once', async () => {
  const { write, next, listen } = started()
  listen()
  const params = { _meta: introduction(), notifications: { resourceSubscriptions: ['mail://a/1'] } }
  const ids = Array.from({ length: bounds.listens + 5 }, (_, id) => id)
  write(...ids.map(id => request(id, 'subscriptions/listen', params)))
  const said: string[] = []
  for (const _ of ids) said.push(JSON.stringify(await next()))
  expect(said.filter(text => text.includes('subscriptions/acknowledged'))).toHaveLength(bounds.listens)
  expect(said.filter(text => text.includes('subscriptions already'))).toHaveLength(5)
})
