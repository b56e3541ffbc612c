/** What a stand-in for the event stream does as docs/events.md promises; a fault replaces one of these. */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { EventStreamLog, Place, StandInFact } from './event-stream-log.ts'

export const standInToken = 'a-token-for-the-stand-in'

export interface Frame {
  comment?: string
  retry?: number
  id?: string
  event?: string
  data?: Record<string, unknown>
  /** Written to a stream in place of all others. */
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

/** What a fault may keep for one stream, and what it may know. */
export interface StreamContext {
  log: EventStreamLog
  lastEventId: string | undefined
  filter: Filter
  /** Streams that were opened before this one. */
  index: number
  held: Frame[]
  write(frames: Frame[]): void
}

export interface Behaviour {
  admits(headers: IncomingHttpHeaders, query: URLSearchParams): boolean
  streamHead: Record<string, string>
  /** Behind the head of an answer to HEAD. */
  headBody: string
  isKnownQuery(name: string): boolean
  isKnownType(type: string): boolean
  isIdTooLong(id: string): boolean
  /** What a request that should be served is answered instead, by how many came before it. */
  busy(count: number): Problem | undefined
  problem(problem: Problem): Problem
  lastEventId(headers: IncomingHttpHeaders, query: URLSearchParams): string | undefined
  locate(log: EventStreamLog, id: string): Place
  sees(fact: StandInFact, filter: Filter): boolean
  seesStates(filter: Filter): boolean
  numberStep: number
  /** A stream opens with these. */
  opening(frames: Frame[], context: StreamContext): Frame[]
  /** Each fact, state and heartbeat that comes later. */
  later(frames: Frame[], context: StreamContext): Frame[]
  goodbye(frames: Frame[]): Frame[]
  endsAfterGoodbye: boolean
  mayDisconnect: boolean
  encode(frame: Frame): string
  /** Whether the head of the answer goes out before the first text does. */
  flushesHead: boolean
  /** How text goes out. It is called once for each stream; what it begins ends with the signal. */
  deliver(response: ServerResponse, ended: AbortSignal): (text: string) => void
  /** From so many user agents on, they are told apart no more. */
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
