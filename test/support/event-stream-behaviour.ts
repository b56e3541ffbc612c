/**
 * The behaviour that docs/events.md promises, for the event stream's stand-in; each fault overrides one of its parts.
 */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { EventStreamLog, Place, StandInFact } from './event-stream-log.ts'

export const standInToken = 'a-token-for-the-stand-in'

export interface Frame {
  comment?: string
  retry?: number
  id?: string
  event?: string
  data?: Record<string, unknown>
  /** Text written to a stream in place of the encoded fields. */
  raw?: string
}

export interface Filter {
  types: string[] | undefined
  accounts: string[] | undefined
}

export interface Problem {
  status: number
  headers: Record<string, string>
  body: string
}

/** State that a fault may keep per stream, and what it may read. */
export interface StreamContext {
  log: EventStreamLog
  lastEventId: string | undefined
  filter: Filter
  /** Number of streams that were opened before this one. */
  index: number
  held: Frame[]
  write(frames: Frame[]): void
}

export interface Behaviour {
  admits(headers: IncomingHttpHeaders, query: URLSearchParams): boolean
  streamHead: Record<string, string>
  /** Body sent after the head of an answer to HEAD. */
  headBody: string
  isKnownQuery(name: string): boolean
  isKnownType(type: string): boolean
  isIdTooLong(id: string): boolean
  /** Returns the refusal of a request that should be served, by the number of requests before it. */
  busy(count: number): Problem | undefined
  problem(problem: Problem): Problem
  lastEventId(headers: IncomingHttpHeaders, query: URLSearchParams): string | undefined
  locate(log: EventStreamLog, id: string): Place
  sees(fact: StandInFact, filter: Filter): boolean
  seesStates(filter: Filter): boolean
  numberStep: number
  /** Returns the frames with which a stream opens. */
  opening(frames: Frame[], context: StreamContext): Frame[]
  /** Returns the frames for each later fact, state and heartbeat. */
  later(frames: Frame[], context: StreamContext): Frame[]
  goodbye(frames: Frame[]): Frame[]
  endsAfterGoodbye: boolean
  mayDisconnect: boolean
  encode(frame: Frame): string
  /** Whether the response head is flushed before the first text. */
  flushesHead: boolean
  /** Returns how text is written. Called once per stream; whatever it starts ends with the signal. */
  deliver(response: ServerResponse, ended: AbortSignal): (text: string) => void
  /** Number of user agents from which on they are no longer told apart. */
  maxAgents: number
}

export function encode({ comment, retry, id, event, data, raw }: Frame): string {
  if (raw !== undefined) return raw
  const lines = [
    ...(comment === undefined ? [] : [`: ${comment}`]),
    ...(retry === undefined ? [] : [`retry: ${retry}`]),
    ...(id === undefined ? [] : [`id: ${id}`]),
    ...(event === undefined ? [] : [`event: ${event}`]),
    ...(data === undefined ? [] : [`data: ${JSON.stringify(data)}`]),
  ]
  return `${lines.join('\n')}\n\n`
}

const known = ['client_connected', 'client_disconnected', 'configuration_updated', 'mail_received', 'stats_update']

export const good: Behaviour = {
  admits: headers =>
    headers['x-api-key'] === standInToken || /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1] === standInToken,
  streamHead: {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  },
  headBody: '',
  isKnownQuery: name => ['types', 'account_id', 'last_event_id'].includes(name),
  isKnownType: type => known.includes(type),
  isIdTooLong: id => id.length > 100,
  busy: () => undefined,
  problem: problem => problem,
  lastEventId: (headers, query) => headers['last-event-id']?.toString() ?? query.get('last_event_id') ?? undefined,
  locate: (log, id) => log.locate(id),
  sees: ({ event, data }, { types, accounts }) =>
    (types?.includes(event) ?? true) &&
    (data.account_id === undefined || (accounts?.includes(String(data.account_id)) ?? true)),
  seesStates: ({ types }) => types?.includes('stats_update') ?? true,
  numberStep: 1,
  opening: frames => frames,
  later: frames => frames,
  goodbye: frames => frames,
  endsAfterGoodbye: true,
  mayDisconnect: true,
  encode,
  flushesHead: true,
  deliver: response => text => void response.write(text),
  maxAgents: Number.POSITIVE_INFINITY,
}
