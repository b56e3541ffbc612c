/** What a client listens to, and its notifications: by `subscriptions/listen` since 2026, by its session before. */
import type { McpChange, McpOffer } from './mcp-port.ts'
import { type Id, isObject, notificationText, type Params } from './native-frames.ts'
import { bounds, metaKeys } from './native-protocol.ts'
import { keyOf } from './stream-flow.ts'

type Kind = 'tools' | 'prompts' | 'resources'

const flags: [flag: string, kind: Kind][] = [
  ['toolsListChanged', 'tools'],
  ['promptsListChanged', 'prompts'],
  ['resourcesListChanged', 'resources'],
]

export interface Filter {
  kinds: Kind[]
  uris: string[]
}

/** @returns The filter, or as text what is wrong with it. */
export function readFilter(params: Params): Filter | string {
  const { notifications } = params
  if (!isObject(notifications)) return 'notifications is required and must be a valid SubscriptionFilter'
  const kinds: Kind[] = []
  for (const [flag, kind] of flags) {
    const wanted = notifications[flag]
    if (wanted !== undefined && typeof wanted !== 'boolean') return `notifications.${flag} must be true or false`
    if (wanted === true) kinds.push(kind)
  }
  const uris = notifications.resourceSubscriptions ?? []
  const isList = Array.isArray(uris) && uris.every(uri => typeof uri === 'string' && uri.length <= bounds.uri)
  if (!isList || uris.length > bounds.uris) {
    return `notifications.resourceSubscriptions must be a list of at most ${bounds.uris} URIs`
  }
  return { kinds, uris: [...new Set<string>(uris)] }
}

export class Subscription {
  readonly id: Id
  readonly #filter: Filter

  /** @param filter The part of the requested filter that is granted. */
  constructor(id: Id, filter: Filter) {
    this.id = id
    this.#filter = filter
  }

  get isEmpty(): boolean {
    return this.#filter.kinds.length === 0 && this.#filter.uris.length === 0
  }

  get acknowledgement(): string {
    const { kinds, uris } = this.#filter
    const met = flags.filter(([, kind]) => kinds.includes(kind)).map(([flag]) => [flag, true])
    const notifications = { ...Object.fromEntries(met), ...(uris.length > 0 ? { resourceSubscriptions: uris } : {}) }
    return notificationText('notifications/subscriptions/acknowledged', { notifications, _meta: this.meta })
  }

  get meta() {
    return { [metaKeys.subscription]: this.id }
  }

  /** Returns the notification of a change, by key and text; undefined if it was not asked for. */
  newsOf(change: McpChange): [key: string, text: string] | undefined {
    const { kinds, uris } = this.#filter
    const isWanted = change.of === 'resource' ? uris.includes(change.uri) : kinds.includes(change.of)
    if (!isWanted) return undefined
    return [`${this.keyStart}${keyOf(change)}`, changeText(change, this.meta)]
  }

  /** The prefix of its keys; unique, since a number and the same digits as text are different ids. */
  get keyStart(): string {
    return `${JSON.stringify(this.id)} `
  }
}

export function changeText(change: McpChange, meta?: Params): string {
  const more = meta ? { _meta: meta } : {}
  if (change.of !== 'resource')
    return notificationText(`notifications/${change.of}/list_changed`, meta ? more : undefined)
  return notificationText('notifications/resources/updated', { uri: change.uri, ...more })
}

/** Whether a session before 2026 is notified; it subscribes only to changes of single resources. */
export function isDeliveredTo(change: McpChange, { has }: McpOffer, uris: ReadonlySet<string> | undefined): boolean {
  if (change.of === 'resource') return uris?.has(change.uri) === true
  return change.of === 'tools' || has[change.of]
}
