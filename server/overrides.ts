/** Replacements by which tests substitute real parts of a server. */
import type { ModelChoice } from './assistant/model-choice.ts'
import type { DiscoveryStandIn } from './compose-autoconfig.ts'
import type { DocumentStandIn } from './compose-mcp-auth.ts'
import type { MailGateway } from './imap/mail-gateway.ts'
import type { Database } from './platform/database/database.ts'
import type { DatabaseObserver } from './platform/database/database-health.ts'
import type { LogOutput } from './platform/log-lines.ts'
import type { Logger } from './platform/logger.ts'

export interface Overrides {
  logger?: Logger | undefined
  /** Replaces stderr, if `logger` is not set. */
  logOutput?: LogOutput
  gateway?: MailGateway
  /** Scripted models. */
  models?: ModelChoice
  /** The network in which the servers of addresses are discovered. */
  discovery?: DiscoveryStandIn
  /** The network in which clients publish their metadata documents. */
  documents?: DocumentStandIn
  /** How long an idle connection to a mail server is kept open, in ms. */
  idleMs?: number
  heartbeatSeconds?: number
  /** Memory for each password check, in KiB. */
  passwordMemory?: number
  /** Opens a database in place of the one that the configuration names. */
  openDatabase?: (observer: DatabaseObserver) => Database
}
