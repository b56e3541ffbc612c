/** The names of what the page keeps of the server's answers, and which events make which of them old. */
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
  /** Begins like the accounts, so that it is as old as they are. */
  accountGrant: (accountId: string) => ['accounts', accountId, 'grant'],
  oauthProviders: ['oauth-providers'],
  oauthSignIn: (signInId: string) => ['oauth-sign-in', signInId],
  account: (accountId: string) => ['accounts', accountId],
  /** Begins like the accounts, so that it is as old as they are. */
  accountStates: (accountId: string) => ['accounts', accountId, 'states'],
  accountErrors: (accountId: string) => ['accounts', accountId, 'errors'],
  /** Not like the accounts: each look connects to their servers. */
  diagnosis: (accountId: string) => ['diagnosis', accountId],
  accountUsage: (accountId: string) => ['account-usage', accountId],
  servers: (accountId: string) => ['account-servers', accountId],
  /** Begins like the mail of the account, so that it is as old as the account is. */
  index: (accountId: string) => ['mail', accountId, 'index'],
  facts: ['facts'],
  streamHealth: ['stream-health'],
  agents: ['agents'],
  /** Begins like the agents, so that it is as old as they are. */
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
  /** Begins like the webhooks, so that it is as old as they are. */
  webhookDeliveries: (webhookId: string) => ['webhooks', webhookId],
  /** Begins like the users, so that it is as old as they are. */
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
  /** Not like the list: it is told part by part. */
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
  /** What became of applied items changes more often than the lists, which are asked for on every page. */
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
  /** Begins like the notifiers, so that it is as old as they are. */
  notifierDeliveries: (notifierId: string) => ['notifiers', notifierId],
  /** Begins like the tokens, so that it is as old as they are. */
  tokenPolicy: (tokenId: string) => ['tokens', tokenId, 'policy'],
} as const

/** Whether an index may hold other messages after an event. It is not among the keys below: facts come faster than it is asked. */
export function changesIndexOf(accountId: string, event: ServerEvent): boolean {
  const isOfMail = event.type === 'mail_received' || event.type === 'mail_removed' || event.type === 'folder_changed'
  return isOfMail && event.data.account_id === accountId
}

/** The keys that are stale after an event; a key stands for all that begin with it. */
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
      // What came while it was away is only now to be had.
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
      // Flags are changed in the lists themselves; counts of unread mail are asked for.
      return [queryKeys.folders(event.data.account_id), ...listsOf(event.data.account_id, event.data.folder)]
    case 'mail_removed':
      // From which folders, the fact does not say.
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
      // Who may send, and what is held, is another now.
      return [queryKeys.freezes, queryKeys.approvals, queryKeys.outbox, queryKeys.proposals]
    case 'token_created':
    case 'token_updated':
    case 'token_revoked':
      return [queryKeys.tokens]
    case 'user_added':
    case 'user_updated':
    case 'user_removed':
      // Whose rights change may be who looks at this page.
      return [queryKeys.users, queryKeys.tokens, queryKeys.sessions, queryKeys.session]
    case 'welcome':
      // Rights may have changed while nobody could tell.
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

/** What shows messages of a folder: its lists, and the open thread, which may have some there. */
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
