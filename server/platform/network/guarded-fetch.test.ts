/** What is fetched ends with the signal of its caller. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, onTestFinished, test } from 'vitest'
import { GuardedFetch } from './guarded-fetch.ts'

/** As happens automatically on a server that has been running for a while. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}

test('an answer that does not end is cut when its caller is no longer interested, also long after it began', async () => {
  const server = createServer((_request, response) => void response.writeHead(200).write('a beginning')).listen(
    0,
    '127.0.0.1',
  )
  onTestFinished(() => void server.close().closeAllConnections())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const guarded = new GuardedFetch({ guard: { check: async () => [{ address: '127.0.0.1', family: 4 }] } })
  const caller = new AbortController()
  const pieces = (async () => {
    const { body } = await guarded.fetch(`http://127.0.0.1:${port}/`, { signal: caller.signal })
    const reader = body!.getReader()
    await reader.read()
    return reader
  })()
  const reader = await pieces
  const next = reader.read().catch((error: unknown) => error)
  for (let times = 0; times < 3; times++) {
    await new Promise(setImmediate)
    collectGarbage()
  }
  caller.abort(new Error('not interested any more'))
  expect(await next).toMatchObject({ message: 'not interested any more' })
})
