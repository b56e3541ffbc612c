/** For a file of thousands of requests to one server that outlives them: `fetch` uses its connections again, as it does by itself. */
const place = Symbol.for('undici.globalDispatcher.1')

interface Dispatcher {
  constructor: new () => Dispatcher
  close(): Promise<void>
}

/** In place of what `connections-setup.ts` begins a file with. @returns Ends them; before the server stops, which would wait for a request in each. */
export function keepConnections(): () => Promise<void> {
  const dispatching = globalThis as { [place]?: Dispatcher }
  const before = dispatching[place]
  if (before === undefined) throw new Error('this version of Node has the connections of fetch somewhere else')
  const keeping = new before.constructor()
  dispatching[place] = keeping
  return async () => {
    dispatching[place] = before
    await keeping.close()
  }
}
