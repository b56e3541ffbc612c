/** For a file with thousands of requests to one server: `fetch` keeps its connections alive, as is its default. */
const place = Symbol.for('undici.globalDispatcher.1')

interface Dispatcher {
  constructor: new () => Dispatcher
  close(): Promise<void>
}

/**
 * Reverts `connections-setup.ts`. @returns Closes them; call it before the server stops, which would otherwise wait on
 * each kept connection.
 */
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
