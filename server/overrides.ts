/** What a test may put in place of the real parts of a server. */
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
  /** In place of stderr, where `logger` is not given. */
  logOutput?: LogOutput
  gateway?: MailGateway
  /** Models that play a script. */
  models?: ModelChoice
  /** The network in which the servers of addresses are looked for. */
  discovery?: DiscoveryStandIn
  /** The network in which clients publish what they say of themselves. */
  documents?: DocumentStandIn
  /** How long a connection to a mail server rests before it is closed. */
  idleMs?: number
  heartbeatSeconds?: number
  /** KiB for each look at a password. */
  passwordMemory?: number
  /** In place of that which the configuration names. */
  openDatabase?: (observer: DatabaseObserver) => Database
}
