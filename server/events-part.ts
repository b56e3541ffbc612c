/** The event hub as a part of the server: the first fact of each run is that it began. */
import type { EventHub } from './events/event-hub.ts'
import type { Part } from './platform/lifecycle.ts'

export function eventsPart(hub: EventHub, version: string): Part {
  return {
    name: 'events',
    start: async () => {
      await hub.start()
      hub.publish({ type: 'server_started', data: { version, at: new Date().toISOString() } })
    },
    stop: () => hub.stop(),
  }
}
