/** Classes of facts with separate retention, so that a flood of mail cannot evict what administrators did. */
import type { FactType } from '../../contract/event.ts'

/** `routine` facts occur automatically with traffic; `administrative` ones are caused by people, or are rare. */
type FactClass = 'routine' | 'administrative'

/** The class of each type. Stored with each fact, so a change applies to later facts only. */
const classes: Record<FactType, FactClass> = {
  server_started: 'administrative',
  client_connected: 'routine',
  client_disconnected: 'routine',
  configuration_updated: 'administrative',
  account_added: 'administrative',
  account_updated: 'administrative',
  account_removed: 'administrative',
  account_state_changed: 'routine',
  quota_changed: 'administrative',
  mail_received: 'routine',
  mail_changed: 'routine',
  mail_removed: 'routine',
  folder_changed: 'routine',
  operation_changed: 'routine',
  draft_created: 'routine',
  draft_changed: 'routine',
  delivery_changed: 'routine',
  approval_requested: 'administrative',
  approval_decided: 'administrative',
  proposal_changed: 'administrative',
  freeze_changed: 'administrative',
  alert_raised: 'administrative',
  alert_cleared: 'administrative',
  webhook_disabled: 'administrative',
  token_created: 'administrative',
  token_updated: 'administrative',
  token_revoked: 'administrative',
  user_added: 'administrative',
  user_updated: 'administrative',
  user_removed: 'administrative',
}

export function isAdministrative(type: FactType): boolean {
  return classes[type] === 'administrative'
}
