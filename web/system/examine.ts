/** Takes all measurements of the connection doctor in this browser. */
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import { type Hearing, listen } from './listen.ts'

export interface ClockReading {
  /** Milliseconds to add to this machine's clock to get the server's. */
  offsetMs: number
  /** Round-trip time; half of it bounds the error of the offset. */
  roundTripMs: number
}

export interface Examination {
  hearing: Hearing
  clock: ClockReading
  /** ALPN name of the protocol to the nearest server or proxy; empty if the browser does not report it. */
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

/** Measures the clock offset; of several tries the fastest is used, because a delay may be on either way. */
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

/**
 * Returns the protocol of the latest request to a path, or of the page if the browser's resource timing buffer is full.
 */
function protocolOf(path: string): string {
  const requests = performance.getEntriesByName(new URL(path, location.href).href, 'resource')
  const entry = requests.at(-1) ?? performance.getEntriesByType('navigation')[0]
  return entry instanceof PerformanceResourceTiming ? entry.nextHopProtocol : ''
}
