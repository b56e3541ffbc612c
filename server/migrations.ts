/** The migrations of the database, collected from the features. A part of the composition root. */
import * as firstSessions from './access/migrations/0001-sessions.ts'
import * as sessions from './access/migrations/0003-sessions.ts'
import * as accounts from './accounts/migrations/0001-accounts.ts'
import * as indexLevel from './accounts/migrations/0015-index-level.ts'
import * as lookInterval from './accounts/migrations/0028-look-interval.ts'
import * as alerts from './alerts/migrations/0034-alerts.ts'
import * as usualAgents from './alerts/migrations/0040-usual-agents.ts'
import * as approvals from './approvals/migrations/0019-approvals.ts'
import * as conversations from './assistant/migrations/0036-conversations.ts'
import * as assistantSettings from './assistant/migrations/0037-assistant-settings.ts'
import * as usageOfUsers from './assistant/migrations/0041-usage-of-users.ts'
import * as audit from './audit/migrations/0003-audit.ts'
import * as trailId from './audit/migrations/0005-trail-id.ts'
import * as blobs from './blobs/migrations/0017-blobs.ts'
import * as drafts from './drafts/migrations/0017-drafts.ts'
import * as draftTaint from './drafts/migrations/0026-draft-taint.ts'
import * as identities from './drafts/migrations/0030-identities.ts'
import * as events from './events/migrations/0002-events.ts'
import * as logClasses from './events/migrations/0008-log-classes.ts'
import * as eventAudience from './events/migrations/0009-event-audience.ts'
import * as freezes from './freezes/migrations/0019-freezes.ts'
import * as history from './history/migrations/0033-history.ts'
import * as leases from './leases/migrations/0011-leases.ts'
import * as mailOAuth from './mail-oauth/migrations/0027-mail-oauth.ts'
import * as mcpAuth from './mcp-auth/migrations/0029-mcp-auth.ts'
import * as notifiers from './notifiers/migrations/0035-notifiers.ts'
import * as operations from './operations/migrations/0016-operations.ts'
import * as movedItems from './operations/migrations/0025-moved-items.ts'
import * as operationSessions from './operations/migrations/0026-operation-sessions.ts'
import * as submissions from './outbox/migrations/0018-submissions.ts'
import * as letOut from './outbox/migrations/0021-let-out.ts'
import * as bounceCursors from './outbox/migrations/0023-bounce-cursors.ts'
import * as submissionSessions from './outbox/migrations/0026-submission-sessions.ts'
import { type Migrations, together } from './platform/database/migrate.ts'
import * as policies from './policies/migrations/0019-policies.ts'
import * as proposals from './proposals/migrations/0024-proposals.ts'
import * as push from './push/migrations/0022-push.ts'
import * as settings from './settings/migrations/0001-settings.ts'
import * as writeProbe from './storage/migrations/0007-write-probe.ts'
import * as folderStates from './sync/migrations/0010-folder-states.ts'
import * as indexFacts from './sync/migrations/0014-index-facts.ts'
import * as mailUsage from './sync/migrations/0015-mail-usage.ts'
import * as mailServers from './sync/migrations/0028-mail-servers.ts'
import * as tokens from './tokens/migrations/0003-tokens.ts'
import * as users from './users/migrations/0003-users.ts'
import * as disabledBy from './users/migrations/0004-disabled-by.ts'
import * as madeUsers from './users/migrations/0006-made-users.ts'
import * as webhooks from './webhooks/migrations/0031-webhooks.ts'
import * as webhookBacklogs from './webhooks/migrations/0038-webhook-backlogs.ts'

/** Migrations by name, in order; neither the name nor the content of a released one is ever changed. */
export const migrations: Migrations = {
  '0001-first': together(accounts, settings, firstSessions),
  '0002-events': events,
  '0003-access': together(users, sessions, tokens, audit),
  '0004-disabled-by': disabledBy,
  '0005-trail-id': trailId,
  '0006-made-users': madeUsers,
  '0007-write-probe': writeProbe,
  '0008-log-classes': logClasses,
  '0009-event-audience': eventAudience,
  '0010-folder-states': folderStates,
  '0011-leases': leases,
  '0014-index-facts': indexFacts,
  '0015-account-index': together(indexLevel, mailUsage),
  '0016-operations': operations,
  '0017-drafts': together(blobs, drafts),
  '0018-submissions': submissions,
  '0019-acting': together(freezes, policies, approvals),
  '0021-let-out': letOut,
  '0022-push': push,
  '0023-bounce-cursors': bounceCursors,
  '0024-proposals': proposals,
  '0025-moved-items': movedItems,
  '0026-sessions': together(operationSessions, submissionSessions, draftTaint),
  '0027-mail-oauth': mailOAuth,
  '0028-mail-servers': together(lookInterval, mailServers),
  '0029-mcp-auth': mcpAuth,
  '0030-identities': identities,
  '0031-webhooks': webhooks,
  '0033-history': history,
  '0034-alerts': alerts,
  '0035-notifiers': notifiers,
  '0036-conversations': conversations,
  '0037-assistant-settings': assistantSettings,
  '0038-webhook-backlogs': webhookBacklogs,
  '0040-usual-agents': usualAgents,
  '0041-usage-of-users': usageOfUsers,
}
