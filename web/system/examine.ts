/** Everything that the connection doctor measures in this browser. */
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import { type Hearing, listen } from './listen.ts'

export interface ClockReading {
  /** What to add to this machine's clock to get the server's. */
  offsetMs: number
  /** The offset is known to half of it. */
  roundTripMs: number
}

export interface Examination {
  hearing: Hearing
  clock: ClockReading
  /** How the browser spoke to the server or proxy that answered it first, as ALPN names it; empty when the browser does not say. */
  protocol: string
  /** Epoch milliseconds of this machine. */
  at: number
}

const clockTries = 3

export async function examine(signal: AbortSignal): Promise<Examination> {
  const clock = await readClock(signal)
  const hearing = await listen({ url: api.events.streamEvents.path, signal })
  return { hearing, clock, protocol: protocolOf(api.events.getStreamHealth.path), at: Date.now() }
}

/** Of several tries the quickest, since the answer may have lost its time on either way. */
async function readClock(signal: AbortSignal): Promise<ClockReading> {
  const readings: ClockReading[] = []
  for (let tries = 0; tries < clockTries; tries++) {
    const [startedAt, started] = [Date.now(), performance.now()]
    const { server_time: serverTime } = await call(api.events.getStreamHealth, { signal })
    const roundTripMs = performance.now() - started
    readings.push({ offsetMs: Date.parse(serverTime) - (startedAt + roundTripMs / 2), roundTripMs })
  }
  return readings.reduce((best, reading) => (reading.roundTripMs < best.roundTripMs ? reading : best))
}

/** Of the newest request to a path; of the page itself when the browser's list of requests is full. */
function protocolOf(path: string): string {
  const requests = performance.getEntriesByName(new URL(path, location.href).href, 'resource')
  const entry = requests.at(-1) ?? performance.getEntriesByType('navigation')[0]
  return entry instanceof PerformanceResourceTiming ? entry.nextHopProtocol : ''
}
