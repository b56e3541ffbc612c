/** The keys of the query cache, and which events make which of them stale. */
import type { ServerEvent } from '../../contract/event.ts'

export const queryKeys = {
  session: ['session'],
  signIn: ['sign-in'],
  invitation: (opened: number) => ['invitation', String(opened)],
  profile: ['profile'],
  ownSessions: ['sessions', 'own'],
  push: ['push'],
  stats: ['stats'],
  samples: ['samples'],
  accounts: ['accounts'],
  /** Shares the prefix of the accounts, so it becomes stale with them. */
  accountGrant: (accountId: string) => ['accounts', accountId, 'grant'],
  oauthProviders: ['oauth-providers'],
  oauthSignIn: (signInId: string) => ['oauth-sign-in', signInId],
  account: (accountId: string) => ['accounts', accountId],
  /** Shares the prefix of the accounts, so it becomes stale with them. */
  accountStates: (accountId: string) => ['accounts', accountId, 'states'],
  accountErrors: (accountId: string) => ['accounts', accountId, 'errors'],
  /** Does not share the prefix of the accounts, because each diagnosis connects to their servers. */
  diagnosis: (accountId: string) => ['diagnosis', accountId],
  accountUsage: (accountId: string) => ['account-usage', accountId],
  servers: (accountId: string) => ['account-servers', accountId],
  /** Shares the prefix of the account's mail, so it becomes stale with it. */
  index: (accountId: string) => ['mail', accountId, 'index'],
  facts: ['facts'],
  streamHealth: ['stream-health'],
  agents: ['agents'],
  /** Shares the prefix of the agents, so it becomes stale with them. */
  agentCalls: (query: object) => ['agents', 'calls', query],
  logs: (view: object) => ['logs', view],
  historySeries: ['history', 'series'],
  history: (series: string, asked: readonly string[]) => ['history', series, ...asked],
  clients: ['clients'],
  clientPage: (query: object) => ['clients', query],
  config: ['config'],
  networks: ['private-networks'],
  mcpAuth: ['mcp-auth'],
  assistantSettings: ['assistant-settings'],
  connectionRequest: (requestId: string) => ['connection-request', requestId],
  users: ['users'],
  tokens: ['tokens'],
  webhooks: ['webhooks'],
  /** Shares the prefix of the webhooks, so it becomes stale with them. */
  webhookDeliveries: (webhookId: string) => ['webhooks', webhookId],
  /** Shares the prefix of the users, so it becomes stale with them. */
  madeBy: (kind: 'token' | 'user', id: string) => ['users', 'made-by', kind, id],
  sessions: ['sessions'],
  sessionsOf: (userId: string) => ['sessions', userId],
  auditHead: ['audit', 'head'],
  auditOlder: ['audit', 'older'],
  auditSettings: ['audit', 'settings'],
  operations: ['operations'],
  operation: (operationId: string) => ['operations', 'one', operationId],
  providers: ['providers'],
  conversations: ['conversations'],
  /** Does not share the prefix of the list, because it is updated part by part. */
  conversation: (conversationId: string) => ['conversation', conversationId],
  folders: (accountId: string) => ['mail', accountId, 'folders'],
  messages: (accountId: string) => ['mail', accountId, 'messages'],
  folderMessages: (accountId: string, folder: string) => ['mail', accountId, 'messages', folder],
  folderThreads: (accountId: string, folder: string) => ['mail', accountId, 'threads', folder],
  thread: (accountId: string, threadId: string) => ['mail', accountId, 'thread', threadId],
  foundMessages: (accountId: string, query: string) => ['mail', accountId, 'found', query],
  summaries: (accountId: string, ids: readonly string[]) => ['mail', accountId, 'summaries', ids.join()],
  message: (accountId: string, ref: string) => ['mail', accountId, 'message', ref],
  messageSource: (accountId: string, ref: string) => ['mail', accountId, 'source', ref],
  approvals: ['approvals'],
  permissionPrompts: ['permission prompts'],
  approvalsIn: (state: string) => ['approvals', 'list', state],
  approval: (approvalId: string) => ['approvals', 'one', approvalId],
  approvalSettings: ['approval-settings'],
  proposals: ['proposals'],
  proposalsIn: (state: string) => ['proposals', 'list', state],
  /** Separate from the lists, which every page requests: the results of applied items change more often. */
  openedProposals: ['proposals', 'one'],
  proposal: (proposalId: string) => ['proposals', 'one', proposalId],
  proposedChanges: (proposalId: string, part: string) => ['proposals', 'changes', proposalId, part],
  outbox: ['outbox'],
  outboxIn: (shown: string) => ['outbox', 'list', shown],
  submission: (submissionId: string) => ['outbox', 'one', submissionId],
  drafts: (accountId: string) => ['drafts', accountId],
  signature: (accountId: string) => ['signature', accountId],
  freezes: ['freezes'],
  alerts: ['alerts'],
  notifiers: ['notifiers'],
  /** Shares the prefix of the notifiers, so it becomes stale with them. */
  notifierDeliveries: (notifierId: string) => ['notifiers', notifierId],
  /** Shares the prefix of the tokens, so it becomes stale with them. */
  tokenPolicy: (tokenId: string) => ['tokens', tokenId, 'policy'],
} as const

/**
 * Returns whether an event may change which messages an index holds. The index is not among the keys below, because
 * facts arrive faster than it should be requested.
 */
export function changesIndexOf(accountId: string, event: ServerEvent): boolean {
  const isOfMail = event.type === 'mail_received' || event.type === 'mail_removed' || event.type === 'folder_changed'
  return isOfMail && event.data.account_id === accountId
}

/** Returns the keys that become stale after an event; a key stands for all keys that begin with it. */
export function keysOutdatedBy(event: ServerEvent): readonly (readonly string[])[] {
  switch (event.type) {
    case 'client_connected':
    case 'client_disconnected':
      return [queryKeys.clients, queryKeys.agents]
    case 'configuration_updated':
      return [
        queryKeys.config,
        queryKeys.networks,
        queryKeys.providers,
        queryKeys.oauthProviders,
        queryKeys.mcpAuth,
        queryKeys.assistantSettings,
      ]
    case 'account_added':
    case 'account_updated':
    case 'account_removed':
      return [queryKeys.accounts, queryKeys.config, queryKeys.session, ['mail', event.data.account_id]]
    case 'account_state_changed':
      // Mail that arrived while the account was disconnected can be listed only now.
      return event.data.state === 'ready' ? [queryKeys.accounts, ['mail', event.data.account_id]] : [queryKeys.accounts]
    case 'quota_changed':
      return [queryKeys.accounts, queryKeys.servers(event.data.account_id)]
    case 'mail_received':
      return [
        queryKeys.accounts,
        queryKeys.folders(event.data.account_id),
        ...listsOf(event.data.account_id, event.data.folder),
      ]
    case 'folder_changed':
      return [queryKeys.folders(event.data.account_id), ...listsOf(event.data.account_id, event.data.folder)]
    case 'mail_changed':
      // Flags are patched in the cached lists; the unread counts have to be requested.
      return [queryKeys.folders(event.data.account_id), ...listsOf(event.data.account_id, event.data.folder)]
    case 'mail_removed':
      // The fact does not name the folders that the messages were in.
      return [queryKeys.folders(event.data.account_id), ...allListsOf(event.data.account_id)]
    case 'operation_changed':
      return [queryKeys.operations, queryKeys.openedProposals]
    case 'draft_created':
    case 'draft_changed':
      return [queryKeys.drafts(event.data.account_id), queryKeys.openedProposals]
    case 'approval_requested':
    case 'approval_decided':
    case 'delivery_changed':
      return [queryKeys.approvals, queryKeys.outbox, queryKeys.openedProposals]
    case 'proposal_changed':
      return [
        queryKeys.proposals,
        queryKeys.approvals,
        queryKeys.outbox,
        queryKeys.operations,
        queryKeys.drafts(event.data.account_id),
      ]
    case 'alert_raised':
    case 'alert_cleared':
      return [queryKeys.alerts]
    case 'freeze_changed':
      // A freeze changes who may send and what is held.
      return [queryKeys.freezes, queryKeys.approvals, queryKeys.outbox, queryKeys.proposals]
    case 'token_created':
    case 'token_updated':
    case 'token_revoked':
      return [queryKeys.tokens]
    case 'user_added':
    case 'user_updated':
    case 'user_removed':
      // The user whose rights changed may be the one looking at this page.
      return [queryKeys.users, queryKeys.tokens, queryKeys.sessions, queryKeys.session]
    case 'welcome':
      // Rights may have changed while the stream was down.
      return [queryKeys.session]
    case 'agent_activity':
      return [queryKeys.agents]
    case 'permission_prompts':
      return [queryKeys.permissionPrompts]
    case 'audit_update':
      return [queryKeys.auditHead]
    default:
      return []
  }
}

/** Returns the keys that show messages of a folder: its lists, and the open thread, which may contain some. */
function listsOf(accountId: string, folder: string): readonly (readonly string[])[] {
  return [
    queryKeys.folderMessages(accountId, folder),
    queryKeys.folderThreads(accountId, folder),
    ['mail', accountId, 'thread'],
  ]
}

function allListsOf(accountId: string): readonly (readonly string[])[] {
  return ['messages', 'threads', 'thread'].map(kind => ['mail', accountId, kind])
}
