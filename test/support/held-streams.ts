/** A started event hub whose readers accept writes only while the test allows it, for tests of slow streams. */
import { vi } from 'vitest'
import type { Fact } from '../../contract/event.ts'
import type { StreamObserver } from '../../server/events/event-stream.ts'
import { parseFilter } from '../../server/events/event-view.ts'
import type { Principal } from '../../server/platform/principal.ts'
import { HeldReader, unobserved } from './held-reader.ts'
import { admin, hubOnHttp } from './hub-on-http.ts'

interface Subscribing {
  lastEventId?: string
  /** Whether it accepts nothing from the beginning. */
  isHeld?: boolean
  observer?: StreamObserver
}

/** Lets the sweeps over all streams pass. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
}

export async function heldStreams(options: Parameters<typeof hubOnHttp>[0] = {}) {
  const { hub, log } = await hubOnHttp(options)
  const subscribe = (
    principal: Principal = admin,
    { lastEventId, isHeld, observer = unobserved }: Subscribing = {},
  ) => {
    const socket = new HeldReader()
    if (isHeld) socket.hold()
    hub.subscribe({ principal, filter: parseFilter({}), socket, observer, lastEventId })
    return socket
  }
  /** Publishes facts, and waits until every stream that sees them could have had them. */
  const tell = async (...facts: Fact[]) => {
    const newest = log.newest + facts.length
    for (const fact of facts) hub.publish(fact)
    while (log.newest < newest) await new Promise(setImmediate)
    await turns()
  }
  /** Until the returned function is called, no stream's facts are read from the database. */
  const holdReads = () => {
    const readSeen = log.readSeen.bind(log)
    const turn = Promise.withResolvers<void>()
    const waiting = vi.spyOn(log, 'readSeen').mockImplementation(async (...asked) => {
      await turn.promise
      return readSeen(...asked)
    })
    return () => {
      waiting.mockRestore()
      turn.resolve()
    }
  }
  return { hub, log, subscribe, tell, holdReads }
}
