/** The status of the event stream, as the link reports it and the page shows it. */
import type { ServerEvent } from '../../contract/event.ts'
import type { Ending } from './stream-answer.ts'

/** How one connection ended. */
export interface LinkEnding {
  at: number
  /** `goodbye` if the server announced it; `lost` or `silent` if not. */
  kind: Ending['kind']
  /** How long the connection was live; null if it never was. */
  livedMs: number | null
  /** Time since the last byte at that moment; null if none ever arrived. */
  quietMs: number | null
}

export type StreamState = 'connecting' | 'live' | 'reconnecting' | 'stale' | 'offline' | 'signed_out'

/** The status of the stream. Times are epoch milliseconds of this machine. */
export interface StreamStatus {
  state: StreamState
  /** The number of the reconnect attempt; 0 while live. */
  attempt: number
  nextAttemptAt: number | null
  /** Why the last connection ended, in words for people. */
  reason: string | null
  /** When the last byte arrived, comments and heartbeats included. */
  lastReceivedAt: number | null
  lastEvent: { type: string; at: number } | null
  /** Since when the stream has not been live; null while it is, or before it was first opened. */
  troubleSince: number | null
  liveSince: number | null
  /** Milliseconds to add to this machine's clock to get the server's. */
  clockOffsetMs: number
  clientId: string | null
  /** How the last reconnect went: downtime, replayed events, and whether some were missed. */
  lastReturn: { at: number; downMs: number; replayed: number; isGap: boolean } | null
  /** How the last connections ended, newest last; at most 20. */
  endings: readonly LinkEnding[]
}

/** One event with its ID; states and controls have none. */
export interface StreamEvent {
  id: string | null
  event: ServerEvent
}

export const initialStatus: StreamStatus = {
  state: 'connecting',
  attempt: 0,
  nextAttemptAt: null,
  reason: null,
  lastReceivedAt: null,
  lastEvent: null,
  troubleSince: null,
  liveSince: null,
  clockOffsetMs: 0,
  clientId: null,
  lastReturn: null,
  endings: [],
}

const notFacts: ReadonlySet<string> = new Set([
  'stats_update',
  'agent_activity',
  'permission_prompts',
  'conversation_changed',
  'audit_update',
  'sync_progress',
  'welcome',
  'heartbeat',
  'session_changed',
  'gap',
  'goodbye',
] satisfies ServerEvent['type'][])

/** Returns whether an event is a fact, which has a position in the log; states and controls have none. */
export function isFact(type: ServerEvent['type']): boolean {
  return !notFacts.has(type)
}
