/** Requests over HTTP whose client or rights are gone before they begin, or between the messages of a batch. */
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { answerOf, request, startNative } from '../../test/support/native-mcp.ts'
import { Problem } from '../platform/problem.ts'

const call = (id: number, name: string) => request(id, 'tools/call', { name, arguments: {} })
const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
const post = (signal: AbortSignal) => new Request('http://rustymail.invalid/mcp', { method: 'POST', headers, signal })

test('of a batch nothing more is begun once its client has left', async () => {
  const { send, running } = startNative()
  const { leave } = send([call(1, 'hold'), call(2, 'hold')])
  await expect.poll(() => running.length).toBe(1)
  leave()
  running[0]!.release()
  for (let turns = 0; turns < 5; turns++) await turn()
  expect(running).toHaveLength(1)
})

test('for a client that has left already nothing is begun', async () => {
  const { port, asking, running } = startNative()
  const exchange = port.handleHttp(post(AbortSignal.abort()), call(1, 'hold'), asking())
  for (let turns = 0; turns < 5; turns++) await turn()
  expect(running).toEqual([])
  expect((await exchange.response).status).toBe(499)
})

test('what begins when its rights have ended answers with the reason', async () => {
  const { port, asking, running } = startNative()
  const own = asking()
  own.end(new Problem('forbidden', 'Your rights were narrowed.'))
  const exchange = port.handleHttp(post(new AbortController().signal), call(1, 'wait'), own)
  await turn()
  expect(running.map(({ context }) => context.signal.aborted)).not.toContain(false)
  running[0]?.release()
  expect(await answerOf({ exchange })).toMatchObject({ status: 200, id: 1 })
})
