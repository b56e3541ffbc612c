/** The gates of all mail servers, whose number is bounded. */
import { expect, test } from 'vitest'
import { createLogger } from '../platform/logger.ts'
import { ServerGates } from './server-gates.ts'

test('a server has one gate; of a thousand servers, the gates that nothing uses are dropped', async () => {
  const gates = new ServerGates({
    gateway: { probe: async () => undefined },
    logger: createLogger('silent'),
    timeoutMs: () => 1_000,
    onDown: () => undefined,
    onDoubt: () => undefined,
  })
  const gateOf = (number: number) => gates.of({ host: `mail${number}.example`, port: 993, tls: 'implicit' })
  const [used, idle] = [gateOf(0), gateOf(1)]
  await used.login(async () => ({ closed: new Promise(() => undefined) }), new AbortController().signal)
  for (let number = 2; number < 1_000; number++) gateOf(number)
  expect([gateOf(0) === used, gateOf(1) === idle]).toEqual([true, true])
  gateOf(1_000)
  expect([gateOf(0) === used, gateOf(1) === idle]).toEqual([true, false])
  gates.stop()
})
