/** What a client listens to, and how it is told: by `subscriptions/listen` since 2026, by its session before. */
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

/** @returns in words what is wrong with it. */
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

  /** @param filter What of its wishes is met. */
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

  /** Of which news, by key and text; undefined for what was not asked for. */
  newsOf(change: McpChange): [key: string, text: string] | undefined {
    const { kinds, uris } = this.#filter
    const isWanted = change.of === 'resource' ? uris.includes(change.uri) : kinds.includes(change.of)
    if (!isWanted) return undefined
    return [`${this.keyStart}${keyOf(change)}`, changeText(change, this.meta)]
  }

  /** Of all its news, and of no other's: a number and its digits as text are two ids. */
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

/** Before 2026: whether a session is told, which asked for the changes of resources alone. */
export function isHeardBy(change: McpChange, { has }: McpOffer, uris: ReadonlySet<string> | undefined): boolean {
  if (change.of === 'resource') return uris?.has(change.uri) === true
  return change.of === 'tools' || has[change.of]
}
