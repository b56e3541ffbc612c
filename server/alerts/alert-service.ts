/** Rules and alerts for callers, by the series and accounts visible to them; changes require an administrator. */
import { type Alert, type AlertRule, type AlertRuleBody, alertBounds, type BackTest } from '../../contract/alerts.ts'
import type { EventHub } from '../events/event-hub.ts'
import { type SeriesName, series, seriesNames } from '../history/series.ts'
import { badCursor } from '../platform/list-query.ts'
import type { Principal } from '../platform/principal.ts'
import { badInput, Problem } from '../platform/problem.ts'
import { isRisingId, RisingIds } from '../platform/rising-ids.ts'
import { seesAll, visibleAccounts } from '../platform/visible-figures.ts'
import type { AlertStore } from './alert-store.ts'
import type { AlertRow, SilenceRow } from './alert-tables.ts'
import { backTest } from './back-test.ts'
import { checkRule } from './rule-check.ts'
import type { ReadHistory } from './rule-point.ts'
import { starterRules } from './starter-rules.ts'
import { viewOf } from './stored-rule.ts'

export interface AlertServiceOptions {
  store: AlertStore
  reader: ReadHistory
  hub: Pick<EventHub, 'publish'>
  /** Epoch milliseconds. */
  now(): number
}

export interface AlertQuery {
  state: 'open' | 'firing' | 'pending' | 'cleared'
  limit: number
  cursor?: string | undefined
}

const loadSeries = seriesNames.filter(name => series[name].audience === 'load')
const mostBackTestSeconds = 3 * 365 * 86_400

export class AlertService {
  readonly #options: AlertServiceOptions
  readonly #ids: RisingIds

  constructor(options: AlertServiceOptions) {
    this.#options = options
    this.#ids = new RisingIds('r', options.now)
  }

  async list(principal: Principal, { state, limit, cursor }: AlertQuery) {
    if (cursor !== undefined && !isRisingId(cursor)) throw badCursor()
    const { store, now } = this.#options
    const accounts = visibleAccounts(principal)
    const sight = accounts && { loadSeries, accounts: [...accounts] }
    const states = state === 'open' ? (['pending', 'firing'] as const) : ([state] as const)
    const rows = await store.list(states, sight, limit + 1, cursor)
    const silences = await store.listSilences(isoOf(now()))
    const items = rows.slice(0, limit).map(row => toAlert(row, silences))
    return { items, next_cursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null }
  }

  async acknowledge(principal: Principal, id: string): Promise<Alert> {
    const row = await this.#get(principal, id)
    if (row.state === 'cleared') throw new Problem('not_possible_now', 'This alert is over.')
    await this.#options.store.acknowledge(id, isoOf(this.#options.now()), principal.name)
    return this.#view(principal, id)
  }

  async silence(principal: Principal, id: string, seconds: number): Promise<Alert> {
    const { store, now } = this.#options
    const { rule_id, instance } = await this.#get(principal, id)
    const silences = await store.listSilences(isoOf(now()))
    const isKnown = silences.some(silence => isOf(silence, { rule_id, instance }))
    if (!isKnown && seconds > 0 && silences.length >= alertBounds.silences) {
      throw new Problem('too_many_requests', `There are ${alertBounds.silences} silences already.`)
    }
    const until = isoOf(now() + seconds * 1000)
    await store.putSilence({ rule_id, instance, until, silenced_by: principal.name })
    return this.#view(principal, id)
  }

  /** Lists the rules whose figures the caller sees, at least in part. */
  async listRules(principal: Principal): Promise<AlertRule[]> {
    const rules = (await this.#options.store.listRules()).map(viewOf)
    return rules.filter(rule => mayAsk(principal, rule))
  }

  async create(principal: Principal, rule: AlertRuleBody): Promise<AlertRule> {
    const { store } = this.#options
    this.#checkChange(principal, rule)
    if ((await store.listRules()).length >= alertBounds.rules) {
      throw new Problem('not_possible_now', `There are ${alertBounds.rules} rules already; delete one first.`)
    }
    return this.#put(principal, this.#ids.next(), rule, 0)
  }

  async change(principal: Principal, id: string, rule: AlertRuleBody): Promise<AlertRule> {
    const row = await this.#getRule(principal, id)
    this.#checkChange(principal, rule)
    return this.#put(principal, id, rule, row.is_starter)
  }

  /** Resets a rule that came with RustyMail, also a deleted one. */
  async reset(principal: Principal, id: string): Promise<AlertRule> {
    const starter = starterRules.find(known => known.id === id)
    if (!starter) throw new Problem('not_found', 'No rule with this id came with RustyMail.')
    this.#checkChange(principal, starter.rule)
    return this.#put(principal, id, starter.rule, 1)
  }

  async delete(principal: Principal, id: string): Promise<void> {
    await this.#options.store.deleteRule(await this.#getRule(principal, id))
    this.#announceChange(principal)
  }

  async backTest(principal: Principal, rule: AlertRuleBody, from: string, to: string | undefined): Promise<BackTest> {
    const { reader, now } = this.#options
    checkRule(rule, 'body.rule')
    if (!mayAsk(principal, rule)) throw hidden()
    const seconds = Math.floor(now() / 1000)
    const range = { from: secondsOf(from), to: Math.min(seconds, to === undefined ? seconds : secondsOf(to)) }
    if (range.from >= range.to) throw bad('from', 'must be before to, and in the past')
    if (range.to - range.from > mostBackTestSeconds) throw bad('from', 'is more than three years before to')
    const accounts = visibleAccounts(principal)
    const sees = ({ account_id: of }: { account_id?: string }) => of === undefined || (accounts?.has(of) ?? true)
    return backTest(reader, rule, { ...range, now: seconds, sees })
  }

  #checkChange(principal: Principal, rule: AlertRuleBody): void {
    checkRule(rule)
    // A rule watches all accounts, and discloses what it finds.
    if (!seesAll(principal)) throw new Problem('forbidden', 'Only administrators of all accounts may change rules.')
  }

  async #put(principal: Principal, id: string, rule: AlertRuleBody, isStarter: number): Promise<AlertRule> {
    const row = {
      id,
      rule: JSON.stringify(rule),
      is_starter: isStarter,
      is_deleted: 0,
      changed_at: isoOf(this.#options.now()),
      changed_by: principal.name,
    }
    await this.#options.store.putRule(row)
    this.#announceChange(principal)
    return viewOf(row)
  }

  #announceChange(principal: Principal): void {
    const at = isoOf(this.#options.now())
    const data = { changed: ['alert_rules'], principal: principal.name, at }
    this.#options.hub.publish({ type: 'configuration_updated', data })
  }

  async #getRule(principal: Principal, id: string) {
    const row = await this.#options.store.findRule(id)
    if (!row || !mayAsk(principal, viewOf(row))) throw new Problem('not_found', 'There is no such rule.')
    if (!seesAll(principal)) throw new Problem('forbidden', 'Only administrators of all accounts may change rules.')
    return row
  }

  async #get(principal: Principal, id: string): Promise<AlertRow> {
    const row = await this.#options.store.find(id)
    if (row && maySee(principal, row)) return row
    throw new Problem('not_found', 'There is no such alert.')
  }

  async #view(principal: Principal, id: string): Promise<Alert> {
    const { store, now } = this.#options
    return toAlert(await this.#get(principal, id), await store.listSilences(isoOf(now())))
  }
}

function maySee(principal: Principal, { series: name, account_id: of }: AlertRow): boolean {
  const accounts = visibleAccounts(principal)
  if (!accounts || (loadSeries as readonly string[]).includes(name)) return true
  return of !== null && accounts.has(of)
}

/** Returns true if the caller may see the rule's series; in series of accounts, each sees its own rows. */
function mayAsk(principal: Principal, rule: AlertRuleBody): boolean {
  const named = [rule.series, ...(rule.share_of ? [rule.share_of.series] : [])] as SeriesName[]
  if (!seesAll(principal) && named.some(name => series[name].audience === 'whole')) return false
  const { account_id: of } = rule.where
  return of === undefined || (visibleAccounts(principal)?.has(of) ?? true)
}

function toAlert(row: AlertRow, silences: readonly SilenceRow[]): Alert {
  const secondsToIso = (at: number | null) => (at === null ? null : isoOf(at * 1000))
  return {
    id: row.id,
    rule_id: row.rule_id,
    name: row.name,
    severity: row.severity as Alert['severity'],
    state: row.state,
    labels: JSON.parse(row.instance) as Alert['labels'],
    account_id: row.account_id,
    words: row.words,
    value: row.value,
    unit: series[row.series as SeriesName]?.unit ?? 'count',
    since: isoOf(row.since * 1000),
    raised_at: secondsToIso(row.raised_at),
    cleared_at: secondsToIso(row.cleared_at),
    acknowledged_at: row.acknowledged_at,
    acknowledged_by: row.acknowledged_by,
    silenced_until: silences.find(silence => isOf(silence, row))?.until ?? null,
    is_quiet: row.is_quiet === 1,
  }
}

function isOf(silence: SilenceRow, { rule_id, instance }: { rule_id: string; instance: string }): boolean {
  return silence.rule_id === rule_id && silence.instance === instance
}

function hidden(): Problem {
  return new Problem('forbidden', 'This series counts all accounts: it requires access to each of them.')
}

function bad(field: string, message: string): Problem {
  return badInput(`body.${field}`, message)
}

function secondsOf(iso: string): number {
  return Math.floor(Date.parse(iso) / 1000)
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString()
}
