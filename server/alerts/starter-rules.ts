/** The rules that come with RustyMail. Each can be changed or deleted; a deleted one does not come back. */

import type { z } from 'zod'
import { type AlertRuleBody, AlertRuleBody as Rule } from '../../contract/alerts.ts'

const minute = 60
const hour = 60 * minute
const GiB = 1024 ** 3

/**
 * Returns a rule for three times the usual rate of each principal.
 * @param atLeast The lowest rate per minute that counts as usual.
 */
function unusual(series: string, atLeast: number) {
  return {
    series,
    per: ['principal'],
    aggregation: 'per_minute',
    usual: { days: 7, at_least: atLeast },
    window_seconds: 10 * minute,
    comparison: 'above',
    threshold: 3,
    clear_threshold: 2,
    keep_seconds: 5 * minute,
    no_data: 'ok',
  } satisfies Partial<z.input<typeof Rule>>
}

const unready = {
  series: 'account_ready',
  per: ['account_id'],
  aggregation: 'max',
  window_seconds: 30,
  comparison: 'below',
  threshold: 0.5,
} satisfies Partial<z.input<typeof Rule>>

/** The ids never change: by them deleted rules are recognised. */
const written: Record<string, z.input<typeof Rule>> = {
  'account-away': {
    name: 'Account not connected',
    ...unready,
    for_seconds: 5 * minute,
    keep_seconds: 2 * minute,
  },
  'mail-not-coming-in': {
    name: 'Mail is not coming in',
    severity: 'critical',
    ...unready,
    for_seconds: hour,
    keep_seconds: 2 * minute,
  },
  'mail-server-failing': {
    name: 'Connections to the mail server fail',
    series: 'imap_failures',
    per: ['account_id'],
    aggregation: 'sum',
    window_seconds: hour,
    comparison: 'above',
    threshold: 10,
    clear_threshold: 5,
  },
  'outbox-stuck': {
    name: 'Messages are late in the outbox',
    severity: 'critical',
    series: 'queue',
    where: { queue: 'outbox_late' },
    aggregation: 'min',
    window_seconds: minute,
    comparison: 'above',
    threshold: 0,
    keep_seconds: 2 * minute,
  },
  'outbox-failing': {
    name: 'Messages could not be sent',
    series: 'mail_failed',
    per: ['account_id'],
    aggregation: 'sum',
    window_seconds: hour,
    comparison: 'above',
    threshold: 2,
    clear_threshold: 0,
  },
  'approvals-waiting': {
    name: 'Messages wait for approval',
    severity: 'info',
    series: 'queue',
    where: { queue: 'approvals_late' },
    aggregation: 'min',
    window_seconds: minute,
    comparison: 'above',
    threshold: 0,
  },
  'disk-low': {
    name: 'The disk of the database is nearly full',
    severity: 'critical',
    series: 'storage_free',
    aggregation: 'max',
    window_seconds: minute,
    comparison: 'below',
    threshold: GiB,
    clear_threshold: 1.25 * GiB,
    for_seconds: minute,
  },
  'event-loop': {
    name: 'The server is overloaded',
    series: 'event_loop_delay',
    aggregation: 'mean',
    window_seconds: minute,
    comparison: 'above',
    threshold: 250,
    clear_threshold: 100,
    for_seconds: 3 * minute,
    keep_seconds: 3 * minute,
  },
  'internal-errors': {
    name: 'Internal errors',
    series: 'errors',
    where: { code: 'internal' },
    aggregation: 'sum',
    window_seconds: 10 * minute,
    comparison: 'above',
    threshold: 4,
    clear_threshold: 0,
  },
  'error-share': {
    name: 'Many requests fail',
    series: 'errors',
    aggregation: 'sum',
    share_of: { series: 'requests', at_least: 100 },
    window_seconds: 10 * minute,
    comparison: 'above',
    threshold: 50,
    clear_threshold: 25,
    for_seconds: 2 * minute,
    no_data: 'ok',
  },
  'sign-in-flood': {
    name: 'Many sign-ins fail',
    series: 'errors',
    where: { code: 'sign_in_failed' },
    aggregation: 'sum',
    window_seconds: 10 * minute,
    comparison: 'above',
    threshold: 30,
    clear_threshold: 10,
  },
  'agent-calls': {
    name: 'A program or agent calls far more than usual',
    ...unusual('calls', 40),
    where: { caller: 'program' },
  },
  'agent-reads': { name: 'An agent reads far more than usual', ...unusual('tokens', 50_000) },
  'agent-changes': { name: 'An agent changes far more messages than usual', ...unusual('messages_changed', 50) },
  'certificate-ending': {
    name: 'The certificate of a mail server is about to end',
    series: 'certificate_days',
    per: ['account_id', 'protocol'],
    aggregation: 'min',
    window_seconds: 10 * minute,
    comparison: 'below',
    threshold: 7,
  },
  // For six-day certificates, which some authorities issue: they are renewed with a half or a third of their life left.
  'certificate-not-renewed': {
    name: 'The certificate of a mail server was not renewed in time',
    series: 'certificate_life',
    per: ['account_id', 'protocol'],
    aggregation: 'min',
    window_seconds: 10 * minute,
    comparison: 'below',
    threshold: 20,
    clear_threshold: 30,
    for_seconds: 30 * minute,
  },
  'token-ending': {
    name: 'A token is about to expire',
    severity: 'info',
    series: 'token_days',
    per: ['principal'],
    aggregation: 'min',
    window_seconds: 10 * minute,
    comparison: 'below',
    threshold: 7,
    no_data: 'ok',
  },
}

export const starterRules: readonly { id: string; rule: AlertRuleBody }[] = Object.entries(written).map(
  ([id, rule]) => ({ id: `starter-${id}`, rule: Rule.parse(rule) }),
)
