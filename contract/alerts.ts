/** Alerts: rules over the series of the history, what fires now, and what a rule would have done. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { HistoryLabel, HistorySeries } from './history.ts'
import { Cursor, Limit, Timestamp, typedLine } from './wire.ts'

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
    per: z.array(HistoryLabel).max(3).default([]).describe('Each set of these labels is an alert of its own'),
    aggregation: z
      .enum(aggregations)
      .describe('Gauges: mean, min, max. Counts: sum, per_minute. Durations: mean, min, max, p50, p95, p99'),
    share_of: z
      .strictObject({ series: z.string().min(1).max(60), at_least: z.number().min(1).max(1e12) })
      .nullable()
      .default(null)
      .describe('Divides a sum by that of another count, in percent, where that is at least so much'),
    usual: z
      .strictObject({ days: z.int().min(1).max(28), at_least: z.number().min(0.001).max(1e12) })
      .nullable()
      .default(null)
      .describe(
        'The threshold is a multiple of what is usual: the median of the highest values of each of so many days, the day before yesterday the last (UTC), or `at_least` where that is more',
      ),
    window_seconds: z
      .int()
      .min(15)
      .max(24 * hour)
      .describe('What one value is taken over'),
    comparison: z.enum(['above', 'below']),
    threshold: figure,
    clear_threshold: figure
      .nullable()
      .default(null)
      .describe('A firing alert stays until the value is on the other side of this one; the threshold unless given'),
    for_seconds: z
      .int()
      .min(0)
      .max(24 * hour)
      .default(0)
      .describe('So long it must be so before the alert fires'),
    keep_seconds: z
      .int()
      .min(0)
      .max(24 * hour)
      .default(60)
      .describe('So long it must be well before the alert clears, so that it does not flap'),
    no_data: z
      .enum(['ok', 'keep', 'alert'])
      .default('keep')
      .describe('Without a value: it is well, it stays as it is for ten minutes, or it counts as bad'),
    quiet_hours: z
      .strictObject({
        days: z.array(z.int().min(1).max(7)).min(1).max(7).describe('1 is Monday'),
        from: clock,
        to: clock,
        time_zone: z.string().min(1).max(60),
      })
      .nullable()
      .default(null)
      .describe('What is raised then is shown, and marked quiet'),
  })
  .meta({ id: 'AlertRuleBody' })
export type AlertRuleBody = z.infer<typeof AlertRuleBody>

export const AlertRule = AlertRuleBody.extend({
  name: z.string(),
  id: z.string(),
  is_starter: z.boolean().describe('Came with RustyMail'),
  is_changed: z.boolean().describe('Came with RustyMail, and says something else now'),
  words: z.string().describe('The rule as a sentence'),
  changed_at: Timestamp,
  changed_by: z.string().nullable(),
}).meta({ id: 'AlertRule' })
export type AlertRule = z.infer<typeof AlertRule>

export const Alert = z
  .object({
    id: z.string(),
    rule_id: z.string(),
    name: z.string().describe('Of the rule, when it was raised'),
    severity: AlertSeverity,
    state: z.enum(['pending', 'firing', 'cleared']),
    labels: z.partialRecord(HistoryLabel, z.string()),
    account_id: z.string().nullable(),
    words: z.string(),
    value: z.number().nullable().describe('The last; null where there is no data'),
    unit: HistorySeries.shape.unit,
    since: Timestamp.describe('When it began to be so'),
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
    step_seconds: z.int().describe('In which the history is kept that far back; what is shorter is not seen'),
    window_seconds: z.int(),
    fired: z.int(),
    flapped: z.int().describe('Of these, those within an hour after the one before'),
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
      .describe('Those that fired longest come first, at most 20'),
    instances_left_out: z.int(),
  })
  .meta({ id: 'BackTest' })
export type BackTest = z.infer<typeof BackTest>

const at = Timestamp
/** `rule`: one of the rules. The others are what the server watches of itself, also while it can store nothing. */
const AlertKind = z.enum(['database_unwritable', 'disk_low', 'rule'])
const ofRule = {
  alert_id: z.string().optional().describe('With `rule`'),
  rule_id: z.string().optional().describe('With `rule`'),
  severity: AlertSeverity.optional().describe('With `rule`'),
  account_id: z.string().optional().describe('Of an alert about one account'),
}
export const AlertRaised = z.object({
  alert: AlertKind,
  detail: z.string(),
  ...ofRule,
  is_quiet: z.boolean().optional().describe('With `rule`: it is silenced, or these are quiet hours'),
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
    summary: 'Say that you take care of an alert',
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
    summary: 'Replace a rule; what it has open is cleared where it is switched off',
    params: z.object({ rule_id }),
    body: AlertRuleBody,
    response: AlertRule,
    problems: ['forbidden', 'not_found'],
  }),
  resetAlertRule: endpoint({
    ...changes,
    method: 'POST',
    path: `${rules}/{rule_id}/reset`,
    summary: 'Make a rule that came with RustyMail what it was',
    description: 'Also one that was deleted.',
    params: z.object({ rule_id }),
    response: AlertRule,
    problems: ['forbidden', 'not_found'],
  }),
  deleteAlertRule: endpoint({
    ...changes,
    method: 'DELETE',
    path: `${rules}/{rule_id}`,
    summary: 'Delete a rule; what it has open is cleared',
    params: z.object({ rule_id }),
    response: z.undefined(),
    status: 204,
    problems: ['forbidden', 'not_found'],
  }),
  backTestRule: endpoint({
    ...reads,
    method: 'POST',
    path: `${path}/back-test`,
    summary: 'Try a rule on the past',
    description:
      'Any rule, also one that is not saved: when it would have fired, for how long, and how often it would have flapped.',
    limit: 'search',
    body: z.strictObject({ rule: AlertRuleBody, from: Timestamp, to: Timestamp.optional() }),
    response: BackTest,
    problems: ['forbidden'],
  }),
}
