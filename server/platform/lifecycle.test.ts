/** A stop in reverse order, of which no part can take the time of those that stop after it. */
import { expect, test, vi } from 'vitest'
import { Lifecycle } from './lifecycle.ts'
import { createLogger } from './logger.ts'

test('a part that hangs leaves time to those that stop after it', async () => {
  vi.useFakeTimers()
  try {
    const lifecycle = new Lifecycle(createLogger('silent'))
    const stopped: string[] = []
    const within = (name: string, ms: number) => ({
      name,
      stop: () => new Promise<void>(resolve => setTimeout(() => resolve(void stopped.push(name)), ms)),
    })
    const hangs = { name: 'hangs', stop: () => new Promise<never>(() => undefined) }
    await lifecycle.start([within('database', 300), within('pool', 200), hangs, within('http', 1_000)])
    const over = lifecycle.stop(10_000)
    await vi.advanceTimersByTimeAsync(10_000)
    await over
    expect(stopped).toEqual(['http', 'pool', 'database'])
  } finally {
    vi.useRealTimers()
  }
})
