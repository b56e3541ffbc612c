/** Alerts: rules over the series of the history, alerts that fire, and back-tests of rules. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { HistoryLabel, HistorySeries } from './history.ts'
import { Cursor, GivenTime, Limit, Timestamp, typedLine } from './wire.ts'

export const alertBounds = { rules: 200, instances: 500, open: 2_000, kept: 5_000, silences: 500 } as const

export const AlertSeverity = z.enum(['info', 'warning', 'critical'])
export type AlertSeverity = z.infer<typeof AlertSeverity>

const aggregations = ['mean', 'min', 'max', 'sum', 'per_minute', 'p50', 'p95', 'p99'] as const
const hour = 60 * 60
const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time such as 22:00')
const figure = z.number().min(-1e15).max(1e15)

export const AlertRuleBody = z
  .strictObject({
    name: typedLine.trim().min(1).max(100),
    enabled: z.boolean().default(true),
    severity: AlertSeverity.default('warning'),
    series: z.string().min(1).max(60),
    where: z
      .partialRecord(HistoryLabel, z.string().max(100))
      .default({})
      .describe('Only rows with these labels, such as `account_id` or `code`'),
    per: z.array(HistoryLabel).max(3).default([]).describe('Each set of these labels is a separate alert'),
    aggregation: z
      .enum(aggregations)
      .describe('Gauges: mean, min, max. Counts: sum, per_minute. Durations: mean, min, max, p50, p95, p99'),
    share_of: z
      .strictObject({ series: z.string().min(1).max(60), at_least: z.number().min(1).max(1e12) })
      .nullable()
      .default(null)
      .describe('Divides the sum by that of another count, in percent, if the latter is at least this large'),
    usual: z
      .strictObject({ days: z.int().min(1).max(28), at_least: z.number().min(0.001).max(1e12) })
      .nullable()
      .default(null)
      .describe(
        'The threshold is a multiple of the usual value: the median of the daily maxima over this many days up to the day before yesterday (UTC), or `at_least` if that is greater',
      ),
    window_seconds: z
      .int()
      .min(15)
      .max(24 * hour)
      .describe('Window over which one value is aggregated'),
    comparison: z.enum(['above', 'below']),
    threshold: figure,
    clear_threshold: figure
      .nullable()
      .default(null)
      .describe('A firing alert continues until the value crosses this one (hysteresis); default: the threshold'),
    for_seconds: z
      .int()
      .min(0)
      .max(24 * hour)
      .default(0)
      .describe('How long the condition must hold before the alert fires'),
    keep_seconds: z
      .int()
      .min(0)
      .max(24 * hour)
      .default(60)
      .describe('How long the value must be normal before the alert clears, so that it does not flap'),
    no_data: z
      .enum(['ok', 'keep', 'alert'])
      .default('keep')
      .describe('Meaning of a missing value: normal, unchanged for ten minutes, or condition met'),
    quiet_hours: z
      .strictObject({
        days: z.array(z.int().min(1).max(7)).min(1).max(7).describe('1 is Monday'),
        from: clock,
        to: clock,
        time_zone: z.string().min(1).max(60),
      })
      .nullable()
      .default(null)
      .describe('Alerts raised then are shown and marked quiet'),
  })
  .meta({ id: 'AlertRuleBody' })
export type AlertRuleBody = z.infer<typeof AlertRuleBody>

export const AlertRule = AlertRuleBody.extend({
  name: z.string(),
  id: z.string(),
  is_starter: z.boolean().describe('A built-in rule'),
  is_changed: z.boolean().describe('A built-in rule that was changed'),
  words: z.string().describe('The rule as a sentence'),
  changed_at: Timestamp,
  changed_by: z.string().nullable(),
}).meta({ id: 'AlertRule' })
export type AlertRule = z.infer<typeof AlertRule>

export const Alert = z
  .object({
    id: z.string(),
    rule_id: z.string(),
    name: z.string().describe('Name of the rule when the alert was raised'),
    severity: AlertSeverity,
    state: z.enum(['pending', 'firing', 'cleared']),
    labels: z.partialRecord(HistoryLabel, z.string()),
    account_id: z.string().nullable(),
    words: z.string(),
    value: z.number().nullable().describe('The latest value; null without data'),
    unit: HistorySeries.shape.unit,
    since: Timestamp.describe('When the condition began to hold'),
    raised_at: Timestamp.nullable(),
    cleared_at: Timestamp.nullable(),
    acknowledged_at: Timestamp.nullable(),
    acknowledged_by: z.string().nullable(),
    silenced_until: Timestamp.nullable(),
    is_quiet: z.boolean().describe('Raised while it was silenced, or in quiet hours'),
  })
  .meta({ id: 'Alert' })
export type Alert = z.infer<typeof Alert>

export const BackTest = z
  .object({
    from: Timestamp,
    to: Timestamp,
    step_seconds: z.int().describe('Step of the history that far back; shorter peaks are not detected'),
    window_seconds: z.int(),
    fired: z.int(),
    flapped: z.int().describe('How many of these began within an hour after the previous one had cleared'),
    firing_seconds: z.int(),
    instances: z
      .array(
        z.object({
          labels: z.partialRecord(HistoryLabel, z.string()),
          firings: z
            .array(z.object({ from: Timestamp, to: Timestamp.nullable(), worst: z.number().nullable() }))
            .describe('At most 200'),
          fired: z.int(),
          at: z.array(z.int()).describe('Epoch seconds'),
          values: z.array(z.number().nullable()),
        }),
      )
      .describe('Those that fired longest first, at most 20'),
    instances_left_out: z.int(),
  })
  .meta({ id: 'BackTest' })
export type BackTest = z.infer<typeof BackTest>

const at = Timestamp
/** `rule`: an alert of a rule. The server itself watches for the others, even while it can store nothing. */
const AlertKind = z.enum(['database_unwritable', 'disk_low', 'rule'])
const ofRule = {
  alert_id: z.string().optional().describe('With `rule`'),
  rule_id: z.string().optional().describe('With `rule`'),
  severity: AlertSeverity.optional().describe('With `rule`'),
  account_id: z.string().optional().describe('For an alert about one account'),
}
export const AlertRaised = z.object({
  alert: AlertKind,
  detail: z.string(),
  ...ofRule,
  is_quiet: z.boolean().optional().describe('With `rule`: the alert is silenced, or was raised in quiet hours'),
  at,
})
export const AlertCleared = z.object({ alert: AlertKind, detail: z.string().optional(), ...ofRule, at })

const tag = 'Alerts'
const path = '/api/dashboard/alerts'
const rules = '/api/dashboard/alert-rules'
const rule_id = z.string().min(1).max(60)
const alert_id = z.string().min(1).max(60)
const changes = { tag, scope: 'dashboard:admin', effect: 'write' } as const
const acts = { tag, scope: 'dashboard:operate', effect: 'write' } as const
const reads = { tag, scope: 'dashboard:read', effect: 'read' } as const

export const alertsApi = {
  listAlerts: endpoint({
    ...reads,
    method: 'GET',
    path,
    summary: 'List alerts that you may see, newest first',
    query: z.strictObject({
      state: z.enum(['open', 'firing', 'pending', 'cleared']).default('firing').describe('`open`: pending and firing'),
      limit: Limit,
      cursor: Cursor,
    }),
    response: z.object({ items: z.array(Alert), next_cursor: z.string().nullable() }),
  }),
  acknowledgeAlert: endpoint({
    ...acts,
    method: 'POST',
    path: `${path}/{alert_id}/acknowledge`,
    summary: 'Acknowledge an alert',
    params: z.object({ alert_id }),
    response: Alert,
    problems: ['not_found', 'not_possible_now'],
  }),
  silenceAlert: endpoint({
    ...acts,
    method: 'POST',
    path: `${path}/{alert_id}/silence`,
    summary: 'Silence this alert, and those of the same rule and labels, for a while',
    params: z.object({ alert_id }),
    body: z.strictObject({
      seconds: z
        .int()
        .min(0)
        .max(30 * 24 * hour)
        .describe('0 ends the silence'),
    }),
    response: Alert,
    problems: ['not_found', 'too_many_requests'],
  }),
  listAlertRules: endpoint({
    ...reads,
    method: 'GET',
    path: rules,
    summary: 'List the rules of the series that you may see',
    response: z.object({ items: z.array(AlertRule), next_cursor: z.null() }),
  }),
  createAlertRule: endpoint({
    ...changes,
    method: 'POST',
    path: rules,
    summary: 'Create a rule; takes effect within 15 s',
    body: AlertRuleBody,
    response: AlertRule,
    status: 201,
    problems: ['forbidden', 'not_possible_now'],
  }),
  changeAlertRule: endpoint({
    ...changes,
    method: 'PUT',
    path: `${rules}/{rule_id}`,
    summary: 'Replace a rule; if it is disabled, its open alerts are cleared',
    params: z.object({ rule_id }),
    body: AlertRuleBody,
    response: AlertRule,
    problems: ['forbidden', 'not_found'],
  }),
  resetAlertRule: endpoint({
    ...changes,
    method: 'POST',
    path: `${rules}/{rule_id}/reset`,
    summary: 'Reset a built-in rule',
    description: 'Also restores a deleted one.',
    params: z.object({ rule_id }),
    response: AlertRule,
    problems: ['forbidden', 'not_found'],
  }),
  deleteAlertRule: endpoint({
    ...changes,
    method: 'DELETE',
    path: `${rules}/{rule_id}`,
    summary: 'Delete a rule; its open alerts are cleared',
    params: z.object({ rule_id }),
    response: z.undefined(),
    status: 204,
    problems: ['forbidden', 'not_found'],
  }),
  backTestRule: endpoint({
    ...reads,
    method: 'POST',
    path: `${path}/back-test`,
    summary: 'Back-test a rule on the stored history',
    description:
      'Accepts any rule, even an unsaved one, and returns when it would have fired, for how long, and how often it would have flapped.',
    limit: 'search',
    body: z.strictObject({ rule: AlertRuleBody, from: GivenTime, to: GivenTime.optional() }),
    response: BackTest,
    problems: ['forbidden'],
  }),
}
