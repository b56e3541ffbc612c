/** Notifiers and attempts as they are shown, and how their settings are read. */
import { Notifier, NotifierBody, type NotifierDelivery, type NotifierRouting } from '../../contract/notifiers.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import type { DeliveryRow, NoticeRow, NotifierRow } from './notifier-tables.ts'
import { openTarget, shownTarget } from './notifier-target.ts'

/** Its name may be older than what names are held to now. */
const Routing = NotifierBody.omit({ target: true }).extend({ name: Notifier.shape.name })

/** One of a later version is switched off. */
export function routingOf({ id, routing }: Pick<NotifierRow, 'id' | 'routing'>): NotifierRouting {
  const read = Routing.safeParse(JSON.parse(routing))
  return read.success ? read.data : Routing.parse({ name: `Unreadable notifier ${id}`, enabled: false })
}

/** Warnings are of all notifiers together. */
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
