/** Derives changes of resources from facts of the event log, for clients that watch them. */
import type { EventOf, FactType } from '../../contract/event.ts'
import type { Scope } from '../../contract/scope.ts'
import { mayPass, type Stops } from '../platform/guard.ts'
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import type { McpChange } from './mcp-port.ts'
import { watching } from './offer-resources.ts'
import { type MailResource, resourceUri } from './resource-uri.ts'

export interface ResourceUpdate {
  changes: readonly McpChange[]
  /** Whether the principal may be notified. */
  mayReceive(principal: Principal): boolean
}

/** The hub of the event log. */
interface FactSource {
  listen<T extends FactType>(type: T, listener: (data: EventOf<T>['data']) => void): () => void
}

type Listener = (update: ResourceUpdate) => void

/** Calls the listener once per fact, with the resources that it changes. @returns A function that stops it. */
export function resourceUpdates(hub: FactSource, stops: Pick<Stops, 'check'>, listener: Listener): () => void {
  const mayWatch = (principal: Principal, scope: Scope, account: string) =>
    principal.scopes.has(scope) &&
    maySeeAccount(principal, account) &&
    mayPass(() => stops.check(principal, watching, account))
  const publish = (scope: Scope, account: string, resources: readonly MailResource[]) => {
    const uris = new Set(resources.map(resourceUri))
    listener({
      changes: [...uris].map(uri => ({ of: 'resource', uri })),
      mayReceive: principal => mayWatch(principal, scope, account),
    })
  }
  const folder = ({ account_id: account, folder: path, old_path: oldPath }: EventOf<'folder_changed'>['data']) =>
    publish('mail:meta', account, [
      { kind: 'account', account },
      { kind: 'folder', account, path },
      ...(oldPath === undefined ? [] : [{ kind: 'folder' as const, account, path: oldPath }]),
    ])
  const received = ({ account_id: account, folder: path, thread_id: thread }: EventOf<'mail_received'>['data']) => {
    publish('mail:meta', account, [
      { kind: 'account', account },
      { kind: 'folder', account, path },
    ])
    if (thread !== undefined) publish('mail:read', account, [{ kind: 'thread', account, thread }])
  }
  const changed = ({ account_id: account, messages }: EventOf<'mail_changed' | 'mail_removed'>['data']) =>
    publish(
      'mail:read',
      account,
      messages.flatMap(({ id: message, thread_id: thread }) => [
        { kind: 'message' as const, account, message },
        { kind: 'thread' as const, account, thread },
      ]),
    )
  const listed = ({ account_id: account }: { account_id: string }) =>
    listener({
      changes: [{ of: 'resources' }],
      mayReceive: principal => mayWatch(principal, 'mail:meta', account),
    })
  const listening = [
    hub.listen('folder_changed', folder),
    hub.listen('mail_received', received),
    hub.listen('mail_changed', changed),
    hub.listen('mail_removed', changed),
    hub.listen('account_added', listed),
    hub.listen('account_removed', listed),
  ]
  return () => {
    for (const stop of listening) stop()
  }
}
