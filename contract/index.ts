/** The table of all endpoints. */
import { accessApi } from './access.ts'
import { accountHealthApi } from './account-health.ts'
import { accountMovingApi } from './account-moving.ts'
import { accountServerApi } from './account-server.ts'
import { accountUsageApi } from './account-usage.ts'
import { accountsApi } from './accounts.ts'
import { agentsApi } from './agents.ts'
import { alertsApi } from './alerts.ts'
import { approvalsApi } from './approvals.ts'
import { assistantApi } from './assistant.ts'
import { assistantSettingsApi } from './assistant-settings.ts'
import { auditApi } from './audit.ts'
import { autoconfigApi } from './autoconfig.ts'
import { clientsApi } from './clients.ts'
import { conversationsApi } from './conversations.ts'
import { diagnoseApi } from './diagnose.ts'
import { draftsApi } from './drafts.ts'
import type { Endpoint } from './endpoint.ts'
import { eventsApi } from './event.ts'
import { freezesApi } from './freezes.ts'
import { historyApi } from './history.ts'
import { logsApi } from './logs.ts'
import { mailApi } from './mail.ts'
import { mailIndexApi } from './mail-index.ts'
import { mailOAuthApi } from './mail-oauth.ts'
import { mailSearchApi } from './mail-search.ts'
import { mcpAuthApi } from './mcp-auth.ts'
import { metricsApi } from './metrics.ts'
import { notifiersApi } from './notifiers.ts'
import { operationsApi } from './operations.ts'
import { outboxApi } from './outbox.ts'
import { permissionPromptsApi } from './permission-prompts.ts'
import { policyApi } from './policy.ts'
import { profileApi } from './profile.ts'
import { proposalsApi } from './proposals.ts'
import { pushApi } from './push.ts'
import { settingsApi } from './settings.ts'
import { systemApi } from './system.ts'
import { tokensApi } from './tokens.ts'
import { usersApi } from './users.ts'
import { webhooksApi } from './webhooks.ts'

export const api = {
  access: accessApi,
  accounts: accountsApi,
  accountHealth: accountHealthApi,
  accountMoving: accountMovingApi,
  accountServer: accountServerApi,
  accountUsage: accountUsageApi,
  agents: agentsApi,
  alerts: alertsApi,
  approvals: approvalsApi,
  assistant: assistantApi,
  assistantSettings: assistantSettingsApi,
  audit: auditApi,
  autoconfig: autoconfigApi,
  clients: clientsApi,
  conversations: conversationsApi,
  diagnose: diagnoseApi,
  drafts: draftsApi,
  events: eventsApi,
  freezes: freezesApi,
  logs: logsApi,
  mail: mailApi,
  mailIndex: mailIndexApi,
  mailOAuth: mailOAuthApi,
  mailSearch: mailSearchApi,
  mcpAuth: mcpAuthApi,
  metrics: metricsApi,
  history: historyApi,
  notifiers: notifiersApi,
  operations: operationsApi,
  policy: policyApi,
  outbox: outboxApi,
  permissionPrompts: permissionPromptsApi,
  profile: profileApi,
  proposals: proposalsApi,
  push: pushApi,
  settings: settingsApi,
  system: systemApi,
  tokens: tokensApi,
  users: usersApi,
  webhooks: webhooksApi,
} as const

const names = new Map<unknown, string>(
  Object.entries(api).flatMap(([group, endpoints]) =>
    Object.entries(endpoints).map(([name, endpoint]) => [endpoint, `${group}.${name}`] as const),
  ),
)

/** `mail.listMessages`: the name of an endpoint in the table, which OpenAPI, figures and the audit trail use. */
export function operationName<P, Q, B, R>(endpoint: Endpoint<P, Q, B, R>): string {
  const name = names.get(endpoint)
  if (name === undefined) throw new Error(`${endpoint.method} ${endpoint.path} is not in the table of endpoints`)
  return name
}
