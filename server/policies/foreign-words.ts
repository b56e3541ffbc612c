/**
 * Whether each operation, tool and event shows a program text that a stranger has written. One that is missing here
 * counts as if it did.
 */

/**
 * - `none`: only text of users, administrators and the account's own mail server.
 * - `messages`: mail with its sender, who counts if the mail server has verified it.
 * - `strangers`: text of anyone.
 * - `written`: drafts and outgoing messages: own text, and text of whatever was read when they were written.
 * - `begun`: a draft whose content the call itself gave, unless it answers or attaches mail.
 * - `reported`: a tool that reports each piece it shows under the name of the endpoint that shows the same.
 */
export type WordsShown = 'none' | 'messages' | 'strangers' | 'written' | 'begun' | 'reported'

const operations: Record<Exclude<WordsShown, 'reported'>, Record<string, string>> = {
  messages: {
    mail: 'getMessage',
    events: 'listFacts',
  },
  strangers: {
    // Anyone may name an agent, and senders and subjects of what agents read are shown.
    agents: 'listAgents listAgentCalls',
    approvals: 'getApproval',
    // Entries of refused requests quote their callers, including anonymous ones.
    assistant: 'queryChatbot',
    audit: 'listAudit exportAudit',
    // Answers quote mail, and titles quote questions.
    conversations: 'listConversations getConversation exportConversation followAnswer stopAnswer decideToolCall',
    drafts: 'attachFromMessage previewDraft getAttachment getHtml getRaw',
    events: 'streamEvents',
    mail: 'listMessages getMessageHtml getAttachment getMessagePart getMessageRaw getAttachmentsZip',
    mailIndex: 'listThreads getThread listMessagesById listContacts',
    mailSearch: 'searchMail searchAccount',
    outbox: 'getSubmissionContent getSubmissionHtml',
    // The description of an item may contain the subject of the message that it answers.
    proposals: 'listProposals getProposal listProposedChanges applyProposal declineProposal withdrawProposal',
  },
  written: {
    approvals: 'listApprovals approve deny editHeld',
    drafts: 'getDraft listDrafts changeDraft removeAttachment uploadAttachment',
    outbox: 'sendDraft listSubmissions getSubmission cancelSubmission retrySubmission resolveSubmission',
  },
  begun: { drafts: 'createDraft' },
  none: {
    access:
      'getSignInState setUp openSession giveSecondFactor beginPasskeySignIn finishPasskeySignIn getSession closeSession ' +
      'listSessions endSession endAllSessions',
    // Rules' descriptions, and names given by users.
    alerts:
      'listAlerts acknowledgeAlert silenceAlert listAlertRules createAlertRule changeAlertRule resetAlertRule deleteAlertRule backTestRule',
    // Responses of services to our own notices; for administrators only.
    notifiers: 'listNotifiers createNotifier changeNotifier deleteNotifier testNotifier listNotifierDeliveries',
    accounts:
      'listMailAccounts listAccounts createAccount getAccount listAccountStates updateAccount deleteAccount verifyAccount startSandbox',
    accountHealth: 'listAccountErrors reconnectAccount',
    accountMoving: 'exportAccounts importAccounts importCsv',
    // Text and figures of the account's own mail server.
    accountServer: 'getServers',
    accountUsage: 'getUsage',
    approvals: 'beginApproving getApprovalSettings setApprovalSettings',
    // Only the state, for the program that asked; users see what their agents wrote.
    permissionPrompts:
      'listPermissionPrompts openPermissionPrompt getPermissionPrompt cancelPermissionPrompt decidePermissionPrompt',
    assistant: 'listProviders',
    conversations: 'renameConversation deleteConversation',
    // Hosts that a domain publishes about itself; refused for tokens, which name their accounts.
    autoconfig: 'startDiscovery getDiscovery',
    audit: 'verifyAudit getAuditSettings changeAuditSettings',
    clients: 'listClients disconnectClient',
    // Text of the account's own mail server; nothing of messages.
    diagnose: 'diagnoseAccount getDiagnosisReport',
    drafts: 'discardDraft getSignature setSignature',
    events: 'getStreamHealth',
    freezes: 'freeze listFreezes liftFreeze',
    // Text of the accounts' own mail servers; refused for tokens, which name their accounts.
    logs: 'listLogs exportLogs',
    // Folder names are given by users.
    mail: 'listFolders',
    mailIndex: 'listChanges getIndex rebuildIndex',
    // The tools report for themselves.
    mcp: 'exchange openSse postSse',
    mailOAuth:
      'listOAuthProviders setOAuthProvider deleteOAuthProvider beginOAuthSignIn getOAuthSignIn cancelOAuthSignIn getAccountGrant',
    // What a client says about itself is shown to signed-in users only.
    mcpAuth:
      'getMcpAuth setMcpAuth getConnectionRequest approveConnection denyConnection getResourceMetadata getServerMetadata getKeys ' +
      'authorize resume issueTokens revokeTokens register',
    metrics: 'getStats listSamples prometheus',
    history: 'listHistorySeries getHistory',
    operations:
      'createFolder changeFolder deleteFolder changeMessages deleteMessages listOperations getOperation undoOperation undoOperations',
    // Responses of providers that an administrator chose.
    assistantSettings:
      'getAssistantSettings updateAssistantSettings createProvider updateProvider deleteProvider testProvider listModels',
    // Names only recipients of the draft.
    outbox: 'checkDraft',
    policy: 'getTokenPolicy setTokenPolicy',
    profile:
      'getProfile changeProfile changePassword beginTotp confirmTotp removeTotp renewRecoveryCodes beginPasskey addPasskey removePasskey',
    push: 'getPush subscribePush unsubscribePush testPush',
    settings: 'getConfig updateConfig listPrivateNetworks allowPrivateNetworks forbidPrivateNetwork',
    system: 'live ready',
    tokens: 'listTokens createToken changeToken rotateToken revokeToken listMadeByToken',
    // Responses of servers that the callers chose; events about mail contain only ids.
    webhooks:
      'listWebhooks createWebhook getWebhook changeWebhook deleteWebhook rotateWebhookSecret testWebhook replayWebhook disableWebhook ' +
      'enableWebhook listWebhookDeliveries',
    users: 'listUsers inviteUser changeUser resetUser deleteUser listMadeByUser readLink acceptLink',
  },
}

const others: Record<string, WordsShown> = {
  beginOidcSignIn: 'none',
  finishOidcSignIn: 'none',
  finishMailSignIn: 'none',
  docs: 'none',
  // Events of MCP: subjects, and senders' own display names.
  'event.mail': 'strangers',
  // Tools of the assistant only: names given by users, figures, and text of the accounts' own mail servers.
  'tool.stats': 'none',
  'tool.metrics_history': 'none',
  'tool.accounts': 'none',
  'tool.alerts': 'none',
  'tool.explain_account': 'none',
  'tool.links': 'none',
  'tool.clients': 'strangers',
  'tool.audit': 'strangers',
  'tool.mail_accounts': 'none',
  'tool.mail_folders': 'none',
  'tool.mail_search': 'strangers',
  'tool.mail_read': 'messages',
  'tool.mail_attachment': 'strangers',
  'tool.mail_changes': 'strangers',
  'tool.mail_update': 'none',
  'tool.mail_move': 'none',
  'tool.mail_folder_edit': 'none',
  'tool.mail_draft': 'reported',
  'tool.mail_outbox': 'reported',
  'tool.mail_proposals': 'strangers',
  // Reasons of a refusal come from the account's own mail server, a policy or a user.
  'tool.mail_send': 'none',
}

/** By operation name. */
export const wordsShown: ReadonlyMap<string, WordsShown> = new Map([
  ...Object.entries(operations).flatMap(([words, groups]) =>
    Object.entries(groups).flatMap(([group, names]) =>
      names.split(' ').map(name => [`${group}.${name}`, words as WordsShown] as const),
    ),
  ),
  ...Object.entries(others),
])

/** Which events of a stream contain text of strangers; the others hold ids, counts, and text of users. */
export const wordsInEvents: ReadonlyMap<string, 'none' | 'strangers'> = new Map([
  ['mail_received', 'strangers'],
  ...(
    'server_started client_connected client_disconnected configuration_updated account_added account_updated account_removed ' +
    'account_state_changed quota_changed mail_changed mail_removed folder_changed operation_changed draft_created draft_changed delivery_changed ' +
    'approval_requested approval_decided proposal_changed freeze_changed alert_raised alert_cleared webhook_disabled token_created token_updated token_revoked ' +
    'user_added user_updated user_removed sync_progress agent_activity conversation_changed permission_prompts audit_update stats_update'
  )
    .split(' ')
    .map(type => [type, 'none'] as const),
])
