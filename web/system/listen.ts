/** Opens a separate stream for a short time and measures how its events arrive. Makes no judgement. */

import { SseParser } from '../../client/sse-parser.ts'
import type { ServerEvent } from '../../contract/event.ts'

/** An event with the server's send time. */
export interface Arrival {
  type: ServerEvent['type']
  /** By the server's clock, in epoch milliseconds. */
  sentAt: number
  /** By this page's monotonic clock; only differences are meaningful. */
  arrivedAt: number
  /** Index of the response chunk that contained it. */
  piece: number
}

/** The measurements; null if something never arrived. */
export interface Hearing {
  status: number | null
  contentType: string | null
  contentEncoding: string | null
  headMs: number | null
  /** Milliseconds from the headers to the first event. */
  welcomeMs: number | null
  /** The welcome, and what was sent after it, in order. */
  arrivals: Arrival[]
  /** Milliseconds listened after the headers. */
  listenedMs: number | null
  /** Why it ended before enough events arrived. */
  fault: string | null
}

export interface ListenTiming {
  /** Timeout for the headers, and then for the welcome. */
  waitMs: number
  /** Time to listen after the welcome. */
  watchMs: number
  /** Number of events after the welcome that suffice. */
  enough: number
}

export const listenTiming: ListenTiming = { waitMs: 10_000, watchMs: 20_000, enough: 3 }

export async function listen({
  url,
  signal,
  timing = listenTiming,
}: {
  url: string
  signal: AbortSignal
  timing?: ListenTiming
}): Promise<Hearing> {
  const hearing: Hearing = {
    status: null,
    contentType: null,
    contentEncoding: null,
    headMs: null,
    welcomeMs: null,
    arrivals: [],
    listenedMs: null,
    fault: null,
  }
  const ending = new AbortController()
  let timer = setTimeout(() => ending.abort(), timing.waitMs)
  const startedAt = performance.now()
  let headAt = startedAt
  try {
    const response = await fetch(url, {
      headers: { accept: 'text/event-stream' },
      credentials: 'same-origin',
      cache: 'no-store',
      signal: AbortSignal.any([signal, ending.signal]),
    })
    headAt = performance.now()
    hearing.headMs = headAt - startedAt
    hearing.status = response.status
    hearing.contentType = response.headers.get('content-type')
    hearing.contentEncoding = response.headers.get('content-encoding')
    if (!response.ok || !response.body) return hearing
    clearTimeout(timer)
    timer = setTimeout(() => ending.abort(), timing.waitMs)
    const heard = hear(response.body)
    for await (const arrival of heard) {
      if (arrival.type === 'welcome') {
        hearing.welcomeMs = arrival.arrivedAt - headAt
        clearTimeout(timer)
        timer = setTimeout(() => ending.abort(), timing.watchMs)
      }
      const welcomedAt = hearing.arrivals[0]?.sentAt ?? Infinity
      // A state from before the stream was opened says nothing about transit times.
      if (arrival.type === 'welcome' || arrival.sentAt >= welcomedAt) hearing.arrivals.push(arrival)
      if (hearing.arrivals.length > timing.enough) return hearing
    }
    hearing.fault = 'The stream ended during the test.'
  } catch (error) {
    signal.throwIfAborted()
    if (!ending.signal.aborted) hearing.fault = error instanceof Error ? error.message : 'The connection broke.'
  } finally {
    clearTimeout(timer)
    if (hearing.headMs !== null) hearing.listenedMs = performance.now() - headAt
    ending.abort()
  }
  return hearing
}

async function* hear(body: ReadableStream<Uint8Array>): AsyncGenerator<Arrival> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  const parser = new SseParser()
  let number = 0
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    const arrivedAt = performance.now()
    number += 1
    for (const { event: type, data } of parser.push(decoder.decode(piece.value, { stream: true }))) {
      // The cast is true for our server; the events of anything else have no send time.
      const event = { type, data: JSON.parse(data) } as ServerEvent
      const sentAt = sentAtOf(event)
      if (sentAt !== undefined) yield { type: event.type, sentAt, arrivedAt, piece: number }
    }
  }
}

/** Returns the send time; facts have none, because some happened before they were sent. */
function sentAtOf({ type, data }: ServerEvent): number | undefined {
  if (type === 'welcome' || type === 'heartbeat') return Date.parse(data.server_time)
  return type === 'stats_update' ? Date.parse(data.sampled_at) : undefined
}
