/** One believable event of each type, for tests. */
import type { EventOf, FactType, StateType } from '../../contract/event.ts'

const at = '2026-11-22T18:14:03.120Z'
const account = { account_id: 'a1', name: 'Ann', email: 'ann@example.com', is_sandbox: false, at }
const client = {
  client_id: 'c1',
  kind: 'browser',
  principal: 'Administrator',
  ip_address: '127.0.0.1',
  user_agent: 'Test',
  at,
} as const

const token = { token_id: 't1', name: 'Reporter', user_id: 'u1', at }
const user = { user_id: 'u1', name: 'Ann', email: 'ann@example.com', role: 'operator', at } as const

const samples: { [T in FactType | StateType]: EventOf<T>['data'] } = {
  server_started: { version: '1.2.3', at },
  client_connected: client,
  client_disconnected: { ...client, reason: 'idle' },
  configuration_updated: { changed: ['port'], principal: 'Administrator', at },
  account_added: account,
  account_updated: { ...account, changed: ['name'] },
  account_removed: account,
  account_state_changed: {
    account_id: 'a1',
    name: 'Ann',
    state: 'ready',
    previous: 'connecting',
    last_error: null,
    next_retry_at: null,
    at,
  },
  quota_changed: {
    account_id: 'a1',
    level: 'nearly_full',
    percent: 91,
    used_bytes: 9_100_000_000,
    limit_bytes: 10_000_000_000,
    at,
  },
  mail_received: {
    account_id: 'a1',
    folder: 'INBOX',
    uid: 771,
    uid_validity: 3,
    ref: 'AAAAAwAAAwNJTkJPWA',
    from: { name: 'Bob', email: 'bob@example.com' },
    subject: 'Tea on Friday',
    at,
  },
  mail_changed: {
    account_id: 'a1',
    folder: 'INBOX',
    messages: [{ id: 'AAAAAAAAAAAAAAAAAAAA', thread_id: 'k3f9', uid: 771, flags: ['\\Seen'], size_bytes: 900 }],
    at,
  },
  mail_removed: { account_id: 'a1', messages: [{ id: 'AAAAAAAAAAAAAAAAAAAA', thread_id: 'k3f9' }], at },
  folder_changed: {
    account_id: 'a1',
    folder: 'INBOX',
    event: 'changed',
    added: 0,
    changed: 1,
    removed: 0,
    total: 12,
    unread: 3,
    modseq: 40,
    at,
  },
  operation_changed: {
    account_id: 'a1',
    operation_id: '01k5r9w2m3c7x4aq',
    kind: 'move',
    state: 'done',
    counts: { total: 2, waiting: 0, done: 2, failed: 0, gone: 0, unknown: 0 },
    undo_of: null,
    at,
  },
  draft_created: { account_id: 'a1', draft_id: 'd5kT0a9ZqW2cXbV7mR1LyE', rev: 1, principal: 't1', at },
  draft_changed: { account_id: 'a1', draft_id: 'd5kT0a9ZqW2cXbV7mR1LyE', rev: 2, state: 'open', principal: 't1', at },
  delivery_changed: {
    account_id: 'a1',
    submission_id: 's01k5r9w2m3c7x4aq',
    draft_id: 'd5kT0a9ZqW2cXbV7mR1LyE',
    principal: 't1',
    state: 'sent',
    attempts: 1,
    accepted: 2,
    refused: 0,
    bounced: 0,
    sent_copy: 'saved',
    at,
  },
  approval_requested: {
    account_id: 'a1',
    approval_id: 'a01k5r9w2m3c7x4aq',
    submission_id: 's01k5r9w2m3c7x4aq',
    principal: 't1',
    principal_name: 'Agent',
    recipients: 2,
    expires_at: at,
    at,
  },
  approval_decided: {
    account_id: 'a1',
    approval_id: 'a01k5r9w2m3c7x4aq',
    submission_id: 's01k5r9w2m3c7x4aq',
    state: 'approved',
    by: 'Anne',
    at,
  },
  proposal_changed: {
    account_id: 'a1',
    proposal_id: 'p01k5r9w2m3c7x4aq',
    principal: 't1',
    principal_name: 'Agent',
    state: 'open',
    items: 3,
    waiting: 3,
    applied: 0,
    event: 'proposed',
    item_ids: ['01k5r9w2m3c7x4aq'],
    by: null,
    at,
  },
  freeze_changed: { freeze_id: 'f1', target: 'principal', is_frozen: true, reads: 'allow', by: 'Anne', at },
  alert_raised: { alert: 'disk_low', detail: '100 MiB are left on the disk of the database.', at },
  alert_cleared: { alert: 'disk_low', at },
  webhook_disabled: {
    webhook_id: 'hook_0123456789abcdef01234567',
    name: 'Invoices',
    principal: 'token-3f9a1c0b7d2e4f58',
    user_id: 'u1',
    why: 'failed',
    detail: 'It accepted nothing for three days.',
    at,
  },
  token_created: token,
  token_updated: { ...token, changed: ['scopes'] },
  token_revoked: token,
  user_added: user,
  user_updated: { ...user, changed: ['role'] },
  user_removed: user,
  conversation_changed: { conversation_id: 'c1', answer_id: 'n1', state: 'running', at },
  agent_activity: { newest: 'c1', at },
  permission_prompts: { at },
  audit_update: { newest: 12 },
  sync_progress: { account_id: 'a1', phase: 'headers', folder: 'INBOX', done: 400, total: 1_200, at },
  stats_update: {
    active_connections: 1,
    requests_per_minute: 2,
    average_response_time_ms: 3,
    system_cpu_usage: 4,
    system_memory_usage: 5,
    uptime_seconds: 6,
    active_sse_connections: 7,
    response_time_ms: { p50: 1, p95: 2, p99: 3 },
    errors: { failed_requests: 0, slow_streams: 0 },
    imap: { open: 1, idle: 1, busy: 0, connecting: 0, max: 100 },
    process: { rss_bytes: 1, cpu_percent: 1, event_loop_lag_ms: 1 },
    storage: { is_writable: true, fault: null, write_failures: 0, free_bytes: 1, total_bytes: 1 },
    sampled_at: at,
  },
}

export function sampleEvent<T extends FactType | StateType>(type: T): { type: T; data: EventOf<T>['data'] } {
  return { type, data: samples[type] as EventOf<T>['data'] }
}

/** Mail of an account, dated 1970. */
export function mailFact(accountId: string, uid: number): EventOf<'mail_received'> & { type: 'mail_received' } {
  const data = { account_id: accountId, folder: 'INBOX', uid, uid_validity: 1, at: new Date(0).toISOString() }
  return { type: 'mail_received', data }
}
