/** MCP Events as an extension, whichever adapter carries it: the five methods over the event log. */
import type { McpExtension, McpExtensionContext } from '../mcp/mcp-port.ts'
import type { EventAction, EventGate } from './event-gate.ts'
import type { EventReading } from './event-reading.ts'
import type { EventStreams } from './event-streams.ts'
import { describeType, eventNames, isEventName, scopeOf } from './event-types.ts'
import {
  complete,
  extensionName,
  ListParams,
  methods,
  PollParams,
  parsed,
  StreamParams,
  SubscribeParams,
  UnsubscribeParams,
  unsupported,
} from './events-wire.ts'
import type { Subscriptions } from './subscriptions.ts'

export interface EventsExtensionOptions {
  gate: EventGate
  reading: EventReading
  streams: EventStreams
  subscriptions: Subscriptions
  sent(mode: 'poll', count: number): void
}

type Params = Record<string, unknown>
type Answer = (params: Params, context: McpExtensionContext, refs: Record<string, string>) => Promise<object>

const mostPolled = 100
const defaultPolled = 50
/** Polling is for clients that check now and then. */
const nextPollMs = 5_000

export function eventsExtension(options: EventsExtensionOptions): McpExtension {
  const { gate, reading, streams, subscriptions, sent } = options
  const method = (action: EventAction, answer: Answer) => ({
    isStream: action === 'stream',
    scopeOf: ({ name }: Params) => (typeof name === 'string' && isEventName(name) ? scopeOf(name) : undefined),
    answer: async (params: Params, context: McpExtensionContext): Promise<Params> => {
      const refs: Record<string, string> = {}
      return complete(await gate.run(action, context, refs, () => answer(params, context, refs)))
    },
  })
  const list: Answer = async (params, { caller }) => {
    parsed(ListParams, params)
    return { events: eventNames.filter(name => gate.isOpen(caller.principal, name)).map(describeType) }
  }
  const poll: Answer = async (params, { caller: { principal }, signal }, refs) => {
    const { name, arguments: given, cursor, maxAgeMs, maxEvents } = parsed(PollParams, params)
    const asked = gate.asked(principal, name, given)
    note(refs, asked.name, asked.arguments.account)
    const most = Math.min(maxEvents ?? defaultPolled, mostPolled)
    const floor = cursor ? reading.floorOf(maxAgeMs) : undefined
    const page = await reading.poll(asked, principal, reading.start(cursor), { floor, most }, signal)
    for (const event of page.events) await gate.show(principal, event)
    sent('poll', page.events.length)
    return {
      events: page.events,
      cursor: reading.cursorOf(page.place),
      truncated: page.isTruncated,
      hasMore: page.hasMore,
      nextPollMs,
    }
  }
  const stream: Answer = async (params, context, refs) => {
    const { name, arguments: given, cursor, maxAgeMs } = parsed(StreamParams, params)
    const { principal } = context.caller
    const asked = gate.asked(principal, name, given)
    note(refs, asked.name, asked.arguments.account)
    const start = reading.start(cursor)
    const floor = cursor ? reading.floorOf(maxAgeMs) : undefined
    const isOlder = floor !== undefined && (await reading.hasOlder(asked, principal, start.after, floor))
    return streams.open(asked, { ...start, isTruncated: start.isTruncated || isOlder }, floor, context)
  }
  const subscribe: Answer = async (params, { caller: { principal }, signal }, refs) => {
    const { name, arguments: given, delivery, ...others } = parsed(SubscribeParams, params)
    if (delivery.mode !== 'webhook') throw unsupported('deliveryMode', delivery.mode)
    const asked = gate.asked(principal, name, given)
    note(refs, asked.name, asked.arguments.account)
    const { url, secret } = delivery
    const answer = await subscriptions.subscribe(
      principal,
      { asked, given: given ?? {}, url, secret, ...others },
      signal,
    )
    Object.assign(refs, { subscription: answer.id, host: new URL(url).host.slice(0, 100) })
    return answer
  }
  const unsubscribe: Answer = async (params, { caller: { principal } }, refs) => {
    const { name, arguments: given, delivery } = parsed(UnsubscribeParams, params)
    const asked = gate.asked(principal, name, given)
    note(refs, asked.name, asked.arguments.account)
    await subscriptions.unsubscribe(principal, asked, given ?? {}, delivery.url)
    return {}
  }
  return {
    name: extensionName,
    settings: {},
    capabilities: { events: {} },
    methods: {
      [methods.list]: method('list', list),
      [methods.poll]: method('poll', poll),
      [methods.stream]: method('stream', stream),
      [methods.subscribe]: method('subscribe', subscribe),
      [methods.unsubscribe]: method('unsubscribe', unsubscribe),
    },
  }
}

function note(refs: Record<string, string>, event: string, accountId: string | undefined): void {
  Object.assign(refs, { event, ...(accountId !== undefined && { account_id: accountId }) })
}
