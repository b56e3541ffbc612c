/**
 * Run for each test file: `fetch` does not keep connections alive. A stopping server leaves a kept connection open for
 * a second, for a request that may be in flight, so stopping each server took a second.
 */
const place = Symbol.for('undici.globalDispatcher.1')

interface Dispatcher {
  constructor: new (options: { pipelining: number }) => Dispatcher
}

// Node creates its dispatcher with the first request.
await fetch('data:,')
const dispatching = globalThis as { [place]?: Dispatcher }
const kept = dispatching[place]
if (kept === undefined) throw new Error('this version of Node has the connections of fetch somewhere else')
dispatching[place] = new kept.constructor({ pipelining: 0 })
