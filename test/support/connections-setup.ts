/**
 * For each test file: `fetch` keeps no connection for its next request. A server that stops leaves a kept connection open for a
 * second, for a request that may be on its way in it, and so the stop of each server took a second.
 */
const place = Symbol.for('undici.globalDispatcher.1')

interface Dispatcher {
  constructor: new (options: { pipelining: number }) => Dispatcher
}

// Node makes its dispatcher with the first request.
await fetch('data:,')
const dispatching = globalThis as { [place]?: Dispatcher }
const kept = dispatching[place]
if (kept === undefined) throw new Error('this version of Node has the connections of fetch somewhere else')
dispatching[place] = new kept.constructor({ pipelining: 0 })
