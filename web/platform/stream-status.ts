/** How the event stream fares, as the link says it and the page shows it. */
import type { ServerEvent } from '../../contract/event.ts'
import type { Ending } from './stream-answer.ts'

/** How one link ended. */
export interface LinkEnding {
  at: number
  /** `goodbye` when the server said so before; `lost` and `silent` when nobody did. */
  kind: Ending['kind']
  /** How long it was live; null when it never was. */
  livedMs: number | null
  /** How long nothing had come by then; null when nothing ever had. */
  quietMs: number | null
}

export type StreamState = 'connecting' | 'live' | 'reconnecting' | 'stale' | 'offline' | 'signed_out'

/** How the stream fares. Times are epoch milliseconds of this machine. */
export interface StreamStatus {
  state: StreamState
  /** Which try to come back this is; 0 while all is well. */
  attempt: number
  nextAttemptAt: number | null
  /** Why the last link ended, in words for a person. */
  reason: string | null
  /** When anything last came, comments and heartbeats included. */
  lastHeardAt: number | null
  lastEvent: { type: string; at: number } | null
  /** Since when it is not live; null while it is, or before it ever was asked to be. */
  troubleSince: number | null
  liveSince: number | null
  /** What to add to this machine's clock to get the server's. */
  clockOffsetMs: number
  clientId: string | null
  /** How the last return went: what was missed and replayed. */
  lastReturn: { at: number; awayMs: number; replayed: number; isGap: boolean } | null
  /** How the last links ended, newest last; at most 20. */
  endings: readonly LinkEnding[]
}

/** One event with its id; states and controls carry none. */
export interface StreamEvent {
  id: string | null
  event: ServerEvent
}

export const initialStatus: StreamStatus = {
  state: 'connecting',
  attempt: 0,
  nextAttemptAt: null,
  reason: null,
  lastHeardAt: null,
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

/** Facts have a place in the log; states and controls have none. */
export function isFact(type: ServerEvent['type']): boolean {
  return !notFacts.has(type)
}
