/** Notifiers and attempts as shown, and the parsing of their settings. */
import { Notifier, NotifierBody, type NotifierDelivery, type NotifierRouting } from '../../contract/notifiers.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import type { DeliveryRow, NoticeRow, NotifierRow } from './notifier-tables.ts'
import { openTarget, shownTarget } from './notifier-target.ts'

/** The name may be older than the current constraints on names. */
const Routing = NotifierBody.omit({ target: true }).extend({ name: Notifier.shape.name })

/** Parses settings; those of a later version are replaced by ones that are switched off. */
export function routingOf({ id, routing }: Pick<NotifierRow, 'id' | 'routing'>): NotifierRouting {
  const read = Routing.safeParse(JSON.parse(routing))
  return read.success ? read.data : Routing.parse({ name: `Unreadable notifier ${id}`, enabled: false })
}

/** Returns the view without warnings, which depend on all notifiers. */
export function viewOf(
  row: NotifierRow,
  notice: NoticeRow | undefined,
  secrets: SecretBox,
): Omit<Notifier, 'warnings'> {
  const { id, target_sealed, changed_at, changed_by, failing_since, last_fault, last_success_at } = row
  return {
    ...routingOf(row),
    id,
    target: shownTarget(openTarget(secrets, id, target_sealed)),
    ...{ changed_at, changed_by, failing_since, last_fault, last_success_at },
    waiting: notice ? 1 : 0,
    next_try_at: notice ? new Date(notice.next_try_at).toISOString() : null,
  }
}

export function deliveryOf(row: DeliveryRow): NotifierDelivery {
  const { notice_id: id, at, duration_ms, title, attempt, status, said } = row
  return {
    ...{ id, at, duration_ms, title, attempt, status, said },
    reason: row.reason as NotifierDelivery['reason'],
    outcome: row.outcome as NotifierDelivery['outcome'],
  }
}
