/** Opens a stream of its own for a short while and measures how it arrives. Judges nothing. */

import { SseParser } from '../../client/sse-parser.ts'
import type { ServerEvent } from '../../contract/event.ts'

/** An event that says when the server sent it. */
export interface Arrival {
  type: ServerEvent['type']
  /** By the server's clock, epoch milliseconds. */
  sentAt: number
  /** By a clock of this page that never goes back; only differences mean anything. */
  arrivedAt: number
  /** Which piece of the answer it came in. */
  piece: number
}

/** What was heard; null is what never came. */
export interface Hearing {
  status: number | null
  contentType: string | null
  contentEncoding: string | null
  headMs: number | null
  /** From the head to the first event. */
  welcomeMs: number | null
  /** The welcome, and then what was sent after it, in order. */
  arrivals: Arrival[]
  /** How long it was listened to after the head. */
  listenedMs: number | null
  /** Why it ended before enough was heard. */
  fault: string | null
}

export interface ListenTiming {
  /** For the head, and then for the welcome. */
  waitMs: number
  /** For what comes after the welcome. */
  watchMs: number
  /** Events after the welcome that are enough. */
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
      // A state that was already there when the stream was opened says nothing about the way here.
      if (arrival.type === 'welcome' || arrival.sentAt >= welcomedAt) hearing.arrivals.push(arrival)
      if (hearing.arrivals.length > timing.enough) return hearing
    }
    hearing.fault = 'The stream ended while it was listened to.'
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
      // The server encodes what the contract allows; whatever else answers in its place has no such events.
      const event = { type, data: JSON.parse(data) } as ServerEvent
      const sentAt = sentAtOf(event)
      if (sentAt !== undefined) yield { type: event.type, sentAt, arrivedAt, piece: number }
    }
  }
}

/** Facts are left out: some happened before they were sent. */
function sentAtOf({ type, data }: ServerEvent): number | undefined {
  if (type === 'welcome' || type === 'heartbeat') return Date.parse(data.server_time)
  return type === 'stats_update' ? Date.parse(data.sampled_at) : undefined
}
