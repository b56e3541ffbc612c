/** Of each operation, tool and event: whether it shows a program words that a stranger has chosen. One that is not named here counts as if it did. */

/**
 * - `none`: words of users, administrators and the own mail server alone.
 * - `messages`: mail that names its sender, who counts where the mail server has verified it.
 * - `strangers`: anybody's.
 * - `written`: drafts and messages on their way out: own words, and those of whatever was read when they were written.
 * - `begun`: a draft that answers with what the call itself says, unless it answers or attaches mail.
 * - `reported`: a tool that reports what it shows piece by piece, as the endpoint that shows the same.
 */
export type WordsShown = 'none' | 'messages' | 'strangers' | 'written' | 'begun' | 'reported'

const operations: Record<Exclude<WordsShown, 'reported'>, Record<string, string>> = {
  messages: {
    mail: 'getMessage',
    events: 'listFacts',
  },
  strangers: {
    // Agents may be named by anybody, and senders and subjects of what they read are shown.
    agents: 'listAgents listAgentCalls',
    approvals: 'getApproval',
    // What was refused is noted in the words of its caller, anonymous ones among them.
    assistant: 'queryChatbot',
    audit: 'listAudit exportAudit',
    // What it said of mail, and its titles are what was asked.
    conversations: 'listConversations getConversation exportConversation followAnswer stopAnswer decideToolCall',
    drafts: 'attachFromMessage previewDraft getAttachment getHtml getRaw',
    events: 'streamEvents',
    mail: 'listMessages getMessageHtml getAttachment getMessagePart getMessageRaw getAttachmentsZip',
    mailIndex: 'listThreads getThread listMessagesById listContacts',
    mailSearch: 'searchMail searchAccount',
    outbox: 'getSubmissionContent getSubmissionHtml',
    // In the words of an item may be the subject of what it answers.
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
    // Words of rules, and names that users gave.
    alerts:
      'listAlerts acknowledgeAlert silenceAlert listAlertRules createAlertRule changeAlertRule resetAlertRule deleteAlertRule backTestRule',
    // What services answered about our own notices; administrators only.
    notifiers: 'listNotifiers createNotifier changeNotifier deleteNotifier testNotifier listNotifierDeliveries',
    accounts:
      'listMailAccounts listAccounts createAccount getAccount listAccountStates updateAccount deleteAccount verifyAccount startSandbox',
    accountHealth: 'listAccountErrors reconnectAccount',
    accountMoving: 'exportAccounts importAccounts importCsv',
    // Words and figures of the own mail server.
    accountServer: 'getServers',
    accountUsage: 'getUsage',
    approvals: 'beginApproving getApprovalSettings setApprovalSettings',
    // To the program that asked its state alone; users are shown the words of their agents.
    permissionPrompts:
      'listPermissionPrompts openPermissionPrompt getPermissionPrompt cancelPermissionPrompt decidePermissionPrompt',
    assistant: 'listProviders',
    conversations: 'renameConversation deleteConversation',
    // Hosts that a domain publishes about itself; tokens, which name their accounts, are refused.
    autoconfig: 'startDiscovery getDiscovery',
    audit: 'verifyAudit getAuditSettings changeAuditSettings',
    clients: 'listClients disconnectClient',
    // Words of the own mail server; nothing of messages.
    diagnose: 'diagnoseAccount getDiagnosisReport',
    drafts: 'discardDraft getSignature setSignature',
    events: 'getStreamHealth',
    freezes: 'freeze listFreezes liftFreeze',
    // Words of the own mail servers; tokens, which name their accounts, are refused.
    logs: 'listLogs exportLogs',
    // Names of folders are those that users gave them.
    mail: 'listFolders',
    mailIndex: 'listChanges getIndex rebuildIndex',
    // Its tools report for themselves.
    mcp: 'exchange openSse postSse',
    mailOAuth:
      'listOAuthProviders setOAuthProvider deleteOAuthProvider beginOAuthSignIn getOAuthSignIn cancelOAuthSignIn getAccountGrant',
    // What a client says of itself is shown to signed-in users alone.
    mcpAuth:
      'getMcpAuth setMcpAuth getConnectionRequest approveConnection denyConnection getResourceMetadata getServerMetadata getKeys ' +
      'authorize resume issueTokens revokeTokens register',
    metrics: 'getStats listSamples prometheus',
    history: 'listHistorySeries getHistory',
    operations:
      'createFolder changeFolder deleteFolder changeMessages deleteMessages listOperations getOperation undoOperation undoOperations',
    // Answers of providers that an administrator chose.
    assistantSettings:
      'getAssistantSettings updateAssistantSettings createProvider updateProvider deleteProvider testProvider listModels',
    // Of the recipients of the draft alone.
    outbox: 'checkDraft',
    policy: 'getTokenPolicy setTokenPolicy',
    profile:
      'getProfile changeProfile changePassword beginTotp confirmTotp removeTotp renewRecoveryCodes beginPasskey addPasskey removePasskey',
    push: 'getPush subscribePush unsubscribePush testPush',
    settings: 'getConfig updateConfig listPrivateNetworks allowPrivateNetworks forbidPrivateNetwork',
    system: 'live ready',
    tokens: 'listTokens createToken changeToken rotateToken revokeToken listMadeByToken',
    // Answers of servers that their callers chose; what is told of mail is ids.
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
  // Events of MCP: subjects, and senders as they call themselves.
  'event.mail': 'strangers',
  // Tools of the assistant alone: names that users gave, figures, and words of the own mail servers.
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
  // What it says of a message that was refused are words of the own mail server, of a policy, or of a user.
  'tool.mail_send': 'none',
}

/** By the name of the operation. */
export const wordsShown: ReadonlyMap<string, WordsShown> = new Map([
  ...Object.entries(operations).flatMap(([words, groups]) =>
    Object.entries(groups).flatMap(([group, names]) =>
      names.split(' ').map(name => [`${group}.${name}`, words as WordsShown] as const),
    ),
  ),
  ...Object.entries(others),
])

/** Of the events of a stream: those with words of strangers. The others hold ids, counts, and words of users. */
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
