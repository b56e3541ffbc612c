/**
 * Evaluates the rules every 5 s from the history; stores and announces changes in one transaction. Only the holder of
 * the lease does so; its successor continues from the database.
 */
import { type AlertRuleBody, alertBounds } from '../../contract/alerts.ts'
import type { Fact } from '../../contract/event.ts'
import type { EventHub } from '../events/event-hub.ts'
import { levels, type Step, startOf } from '../history/levels.ts'
import { type Labels, type SeriesName, series } from '../history/series.ts'
import type { LeaseClaim, LeaseService } from '../leases/lease-service.ts'
import type { Database } from '../platform/database/database.ts'
import { LeaseLost } from '../platform/lease.ts'
import { every } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import { RisingIds } from '../platform/rising-ids.ts'
import { isOpen } from '../policies/working-hours.ts'
import { advance, type MachineState, type Transition } from './alert-machine.ts'
import type { AlertStore } from './alert-store.ts'
import type { AlertRow } from './alert-tables.ts'
import { alertWords } from './alert-words.ts'
import type { ReadHistory } from './rule-point.ts'
import { valuesOf } from './rule-values.ts'
import { starterRules } from './starter-rules.ts'
import { type KnownRule, readRule } from './stored-rule.ts'
import { UsualDays } from './usual-days.ts'

export interface AlertEngineOptions {
  store: AlertStore
  reader: ReadHistory
  hub: Pick<EventHub, 'transact'>
  leases: Pick<LeaseService, 'want'>
  /** Returns the name of an account or a token, as humans know it; undefined if there is none. */
  nameOf(value: string, label: 'account_id' | 'principal'): Promise<string | undefined>
  /** Adds a mark beside the figures of the history. @param at ISO date. */
  mark(at: string, words: string, accountId: string | null): void
  /** Epoch milliseconds. */
  now(): number
  logger: Logger
}

export const roundMs = 5_000
const pruneEveryMs = 60 * 60_000
/** Seconds of the longest window read in 5 s steps; longer ones are read in minutes, including the running one. */
const fineWindow = levels[0].kept - 120
/** Seconds of the longest window that includes the running minute; longer ones are evaluated once a minute. */
const liveWindow = 2 * 60 * 60

interface Change {
  rule: KnownRule
  row: AlertRow
  transitions: readonly Transition[]
}

export class AlertEngine {
  readonly #options: AlertEngineOptions
  readonly #ids: RisingIds
  readonly #usual: UsualDays
  readonly #stopped = new AbortController()
  /** When each rule was last evaluated. */
  readonly #lookedAt = new Map<string, number>()
  #claim: LeaseClaim | undefined
  #round: Promise<void> | undefined
  #prunedAt = Number.NEGATIVE_INFINITY
  #isFailing = false

  constructor(options: AlertEngineOptions) {
    this.#options = options
    this.#ids = new RisingIds('l', options.now)
    this.#usual = new UsualDays(options.reader)
  }

  async start(): Promise<void> {
    const { store, leases, now, logger } = this.#options
    const at = new Date(now()).toISOString()
    const rows = starterRules.map(({ id, rule }) => {
      const made = { is_starter: 1, is_deleted: 0, changed_at: at, changed_by: null }
      return { id, rule: JSON.stringify(rule), ...made }
    })
    // If the database accepts no writes now, the rules are added at the next start.
    await store.addStarters(rows).catch((err: unknown) => logger.warn({ err }, 'the starter rules were not stored'))
    this.#claim = leases.want('alerts')
    const failed = (err: unknown) => logger.error({ err }, 'alerts could not be watched')
    every(roundMs, this.#stopped.signal, () => void this.look(), failed)
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#round
    await this.#claim?.giveBack()
  }

  /** Evaluates all rules; one round at a time. Never rejects. */
  look(): Promise<void> {
    this.#round ??= this.#lookAtAll()
      .then(
        () => {
          this.#isFailing = false
        },
        (err: unknown) => {
          if (err instanceof LeaseLost) return
          if (!this.#isFailing) this.#options.logger.warn({ err }, 'alerts could not be evaluated; retrying')
          this.#isFailing = true
        },
      )
      .finally(() => {
        this.#round = undefined
      })
    return this.#round
  }

  async #lookAtAll(): Promise<void> {
    const { store, now } = this.#options
    if (!this.#claim?.find()) return
    const [rules, open] = [(await store.listRules()).map(readRule), await store.listOpen()]
    const silenced = new Set((await store.listSilences(isoOf(now()))).map(silence => keyOf(silence)))
    const changes: Change[] = []
    let count = open.length
    for (const rule of rules) {
      if (this.#stopped.signal.aborted) return
      const own = new Map(open.filter(row => row.rule_id === rule.id).map(row => [row.instance, row]))
      if (!rule.body.enabled) continue
      for (const change of await this.#changesOf(rule, own)) {
        const isNew = !own.has(change.row.instance)
        if (isNew && ++count > alertBounds.open) continue
        const isSilent = silenced.has(keyOf(change.row)) || isQuietNow(rule, now())
        const isRaised = change.transitions.includes('raised')
        changes.push(isRaised ? { ...change, row: { ...change.row, is_quiet: isSilent ? 1 : 0 } } : change)
      }
    }
    const enabled = new Map(rules.filter(({ body }) => body.enabled).map(rule => [rule.id, rule]))
    const ended = open.filter(row => !enabled.has(row.rule_id))
    if (changes.length + ended.length > 0) await this.#store(changes, ended)
    if (now() - this.#prunedAt < pruneEveryMs) return
    this.#prunedAt = now()
    await store.prune(alertBounds.kept, isoOf(now()))
  }

  async #changesOf(rule: KnownRule, open: ReadonlyMap<string, AlertRow>): Promise<Change[]> {
    const { reader, now, nameOf } = this.#options
    const { body } = rule
    const step: Step = body.window_seconds <= fineWindow ? 5 : 60
    const isLive = step === 5 || appliesToRunningMinute(body)
    const at = startOf(now() / 1000, isLive ? 5 : step)
    const lookedAt = this.#lookedAt.get(rule.id)
    if (lookedAt === at) return []
    const until = step === 60 && isLive ? startOf(at, step) + step : at
    const range = { step, from: until - step, until, sees: () => true }
    const values = await valuesOf(reader, body, { ...range, usual: this.#usual })
    this.#lookedAt.set(rule.id, at)
    const instances = [...new Set([...open.keys(), ...values.keys()])].slice(0, alertBounds.instances + open.size)
    const changes: Change[] = []
    for (const instance of instances) {
      const known = open.get(instance)
      const last = values.get(instance)?.at(-1)
      const value = Number.isNaN(last) ? undefined : last
      const before = known && stateOf(known)
      const { state, transitions } = advance(body, before, { at, value })
      if (!known && !state) continue
      // A firing alert's value is stored once a minute; words of an earlier version, at its first evaluation.
      const isOfOtherWords = lookedAt === undefined && value !== undefined
      const isStale = isOfOtherWords || (known?.value !== (value ?? null) && at % 60 === 0)
      if (known && transitions.length === 0 && isSame(before, state) && !isStale) continue
      const row = known ?? (await this.#newRow(rule, instance, at))
      const labels = JSON.parse(instance) as Labels
      const words = state ? alertWords(body, await aboutOf(labels, nameOf), value) : row.words
      changes.push({ rule, row: rowOf({ ...row, words }, state, value, at), transitions })
    }
    return changes
  }

  async #newRow({ id, body }: KnownRule, instance: string, at: number): Promise<AlertRow> {
    const { account_id: accountId } = { ...body.where, ...(JSON.parse(instance) as Labels) }
    return {
      id: this.#ids.next(),
      rule_id: id,
      instance,
      series: body.series,
      account_id: accountId ?? null,
      name: body.name,
      severity: body.severity,
      words: body.name,
      state: 'pending',
      value: null,
      since: at,
      raised_at: null,
      good_since: null,
      no_data_since: null,
      cleared_at: null,
      is_quiet: 0,
      acknowledged_at: null,
      acknowledged_by: null,
    }
  }

  async #store(changes: readonly Change[], ended: readonly AlertRow[]): Promise<void> {
    const { hub, now, mark } = this.#options
    const lease = this.#claim?.find()
    if (!lease) return
    const at = isoOf(now())
    const facts: Fact[] = []
    await hub.transact(async (transaction, publish) => {
      await lease.fence(transaction)
      facts.length = 0
      for (const { row, transitions } of changes) facts.push(...(await this.#keep(transaction, row, transitions, at)))
      for (const row of ended) {
        const isPending = row.state === 'pending'
        const over: AlertRow = { ...row, state: 'cleared', cleared_at: Math.floor(now() / 1000) }
        facts.push(...(await this.#keep(transaction, over, [isPending ? 'dropped' : 'cleared'], at)))
      }
      for (const fact of facts) publish(fact)
    })
    for (const { type, data } of facts) {
      if (type === 'alert_raised') mark(at, data.detail, data.account_id ?? null)
      if (type === 'alert_cleared') mark(at, `Over: ${data.detail ?? ''}`, data.account_id ?? null)
    }
  }

  async #keep(transaction: Database, row: AlertRow, done: readonly Transition[], at: string): Promise<Fact[]> {
    const { store } = this.#options
    if (done.includes('dropped')) {
      await store.delete(transaction, row.id)
      return []
    }
    await store.put(transaction, row)
    const { severity, account_id: accountId } = row
    const of = {
      alert: 'rule' as const,
      detail: publicWordsOf(row),
      alert_id: row.id,
      rule_id: row.rule_id,
      severity: severity as 'info' | 'warning' | 'critical',
      ...(accountId === null ? {} : { account_id: accountId }),
      at,
    }
    if (done.includes('raised')) return [{ type: 'alert_raised', data: { ...of, is_quiet: row.is_quiet === 1 } }]
    if (done.includes('cleared')) return [{ type: 'alert_cleared', data: of }]
    return []
  }
}

/** A minute that has just begun has low counts, so bounds from below on counts are checked for whole minutes only. */
function appliesToRunningMinute({ window_seconds: window, comparison, aggregation }: AlertRuleBody): boolean {
  const isCount = aggregation === 'sum' || aggregation === 'per_minute'
  return window <= liveWindow && !(isCount && comparison === 'below')
}

/** Returns a fact's text: without an account everyone sees it, so figures of all accounts give only the rule's name. */
function publicWordsOf({ series: name, account_id: accountId, words, name: rule }: AlertRow): string {
  return accountId !== null || series[name as SeriesName]?.audience === 'load' ? words : rule
}

function stateOf(row: AlertRow): MachineState {
  return {
    phase: row.state === 'pending' ? 'pending' : 'firing',
    since: row.since,
    raisedAt: row.raised_at ?? undefined,
    goodSince: row.good_since ?? undefined,
    noDataSince: row.no_data_since ?? undefined,
  }
}

function rowOf(row: AlertRow, state: MachineState | undefined, value: number | undefined, at: number): AlertRow {
  if (!state) return { ...row, state: 'cleared', cleared_at: at, value: value ?? row.value }
  return {
    ...row,
    state: state.phase,
    value: value ?? null,
    since: state.since,
    raised_at: state.raisedAt ?? null,
    good_since: state.goodSince ?? null,
    no_data_since: state.noDataSince ?? null,
  }
}

function isSame(one: MachineState | undefined, other: MachineState | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

async function aboutOf(labels: Labels, nameOf: AlertEngineOptions['nameOf']): Promise<string[]> {
  const about: string[] = []
  for (const [label, value] of Object.entries(labels)) {
    const isNamed = label === 'account_id' || label === 'principal'
    about.push(isNamed ? ((await nameOf(value, label)) ?? value) : value)
  }
  return about.filter(text => text !== '')
}

function isQuietNow({ body }: KnownRule, now: number): boolean {
  return body.quiet_hours !== null && isOpen(body.quiet_hours, now)
}

function keyOf({ rule_id: rule, instance }: { rule_id: string; instance: string }): string {
  return `${rule} ${instance}`
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString()
}
