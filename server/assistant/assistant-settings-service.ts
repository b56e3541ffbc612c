/** Providers, limits and privacy of the assistant for administrators; a change applies from the next question on. */
import { randomBytes } from 'node:crypto'
import type { AssistantLimits, AssistantSettings } from '../../contract/assistant-settings.ts'
import type { AssistantProvider, MailShare, ProviderBody, ProviderTest } from '../../contract/model-provider.ts'
import { assistantBounds } from '../../contract/model-provider.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { Database } from '../platform/database/database.ts'
import type { OutboundGuard } from '../platform/network/outbound-guard.ts'
import type { Principal } from '../platform/principal.ts'
import { badInput, type InputPath, Problem } from '../platform/problem.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import type { AssistantSettingsStore } from './assistant-settings-store.ts'
import { type AssistantProviderRow, providerKeyContext } from './assistant-settings-tables.ts'
import type { ChatModel } from './chat-model.ts'
import type { ModelChain } from './model-chain.ts'
import type { ModelEntry } from './model-entry.ts'
import { type ListedModel, listModelsOf } from './model-list.ts'
import type { ModelSettings } from './model-settings.ts'
import { checkProvider, endpointIn } from './provider-check.ts'
import { tryProvider } from './provider-trial.ts'
import {
  type KnownProvider,
  knownProviders,
  nothingStored,
  type StoredSettings,
  storedSettings,
} from './stored-settings.ts'

/** How the providers of one source are reached. */
export interface Reach {
  fetch: typeof globalThis.fetch
  guard: Pick<OutboundGuard, 'look' | 'check'>
}

export interface AssistantSettingsOptions {
  store: AssistantSettingsStore
  hub: EventHub
  secrets: SecretBox
  chain: Pick<ModelChain, 'use' | 'standingOf'>
  /** The models that the environment sets. */
  environment: readonly ModelSettings[]
  /** Providers named in the environment may be on any network; those of the page pass the outbound guard. */
  reach: Readonly<Record<KnownProvider['source'], Reach>>
  createModel(settings: ModelSettings, fetch: typeof globalThis.fetch): ChatModel
}

interface State {
  rows: readonly AssistantProviderRow[]
  stored: StoredSettings
}

interface SettingsChange {
  order?: string[] | undefined
  limits?: AssistantLimits | undefined
  shares?: { account_id: string; provider_id: string; share: MailShare }[] | undefined
}

interface Tried {
  provider_id?: string | undefined
  provider?: ProviderBody | undefined
}

const trialMs = 60_000
const listMs = 15_000

export class AssistantSettingsService {
  readonly #options: AssistantSettingsOptions
  #state: State = { rows: [], stored: nothingStored }
  /** The newest change; changes run one after the other. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: AssistantSettingsOptions) {
    this.#options = options
    this.#use(this.#state)
  }

  async start(): Promise<void> {
    const { store } = this.#options
    this.#use({ rows: await store.listProviders(), stored: storedSettings(await store.find()) })
  }

  get(principal: Principal): AssistantSettings {
    refuseProgram(principal)
    const { limits, shares } = this.#state.stored
    return { providers: this.#known().map(known => this.#view(known)), limits, shares }
  }

  async update(principal: Principal, change: SettingsChange): Promise<AssistantSettings> {
    refuseProgram(principal)
    await this.#change(principal, async (transaction, at, { rows, stored }) => {
      const known = new Set(this.#known().map(({ id }) => id))
      for (const [index, id] of (change.order ?? []).entries()) {
        if (!known.has(id)) throw badInput(`body.order.${index}`, `there is no provider ${id}`)
      }
      for (const [index, { provider_id: id }] of (change.shares ?? []).entries()) {
        if (!known.has(id)) throw badInput(`body.shares.${index}.provider_id`, `there is no provider ${id}`)
      }
      const order = change.order && [...new Set(change.order)]
      const next = {
        ...stored,
        ...(order ? { order: [...order, ...[...known].filter(id => !order.includes(id))] } : {}),
        ...(change.limits ? { limits: change.limits } : {}),
        ...(change.shares ? { shares: lastOfEach(change.shares) } : {}),
      }
      await this.#options.store.save(transaction, next, at)
      return { rows, stored: next }
    })
    return this.get(principal)
  }

  async create(principal: Principal, body: ProviderBody): Promise<AssistantProvider> {
    refuseProgram(principal)
    const { api_key, ...settings } = body
    checkProvider(settings, api_key !== undefined)
    const id = `${body.kind.replace('openai_compatible', 'compatible')}-${randomBytes(4).toString('hex')}`
    await this.#change(principal, async (transaction, at, state) => {
      if (this.#known().length >= assistantBounds.providers) {
        throw new Problem(
          'too_many_providers',
          `At most ${assistantBounds.providers} providers can be set; remove one.`,
        )
      }
      const row = this.#row(id, body, at, null)
      await this.#options.store.putProvider(transaction, row)
      return { ...state, rows: [...state.rows, row] }
    })
    return this.#view(this.#find(id))
  }

  async change(principal: Principal, id: string, body: ProviderBody): Promise<AssistantProvider> {
    refuseProgram(principal)
    const known = this.#find(id)
    if (known.source === 'environment') return this.#changeEnvironment(principal, known, body)
    const { api_key, ...settings } = body
    await this.#change(principal, async (transaction, at, state) => {
      const before = state.rows.find(row => row.id === id)
      if (!before) throw notFound(id)
      // A key is sent only to the address for which it was given.
      // Compared with the current row, since another change may have come between.
      const was = JSON.parse(before.settings) as Pick<ProviderBody, 'kind' | 'base_url'>
      const isElsewhere = !isSamePlace(settings, was)
      const kept = isElsewhere ? null : before.key_sealed
      if (isElsewhere && before.key_sealed !== null && api_key === undefined) {
        throw badInput('body.api_key', 'Give the key again: the stored one is not sent to another address.')
      }
      checkProvider(settings, api_key !== undefined || kept !== null)
      const row = { ...this.#row(id, body, at, kept), created_at: before.created_at }
      await this.#options.store.putProvider(transaction, row)
      return { ...state, rows: state.rows.map(each => (each.id === id ? row : each)) }
    })
    return this.#view(this.#find(id))
  }

  async remove(principal: Principal, id: string): Promise<void> {
    refuseProgram(principal)
    if (this.#find(id).source === 'environment') {
      throw new Problem('bad_request', `${id} is set by the environment: remove it there, or turn it off here.`)
    }
    await this.#change(principal, async (transaction, at, { rows, stored }) => {
      await this.#options.store.deleteProvider(transaction, id)
      const next = {
        ...stored,
        order: stored.order.filter(each => each !== id),
        shares: stored.shares.filter(({ provider_id }) => provider_id !== id),
      }
      await this.#options.store.save(transaction, next, at)
      return { rows: rows.filter(row => row.id !== id), stored: next }
    })
  }

  async test(principal: Principal, tried: Tried, signal: AbortSignal): Promise<ProviderTest> {
    const { settings, reach } = this.#tried(principal, tried)
    const model = this.#options.createModel(settings, reach.fetch)
    return tryProvider({ settings, model, ...reach, signal: AbortSignal.any([signal, AbortSignal.timeout(trialMs)]) })
  }

  async listModels(principal: Principal, tried: Tried, signal: AbortSignal): Promise<{ items: ListedModel[] }> {
    const { settings, reach } = this.#tried(principal, tried, 'any')
    const within = AbortSignal.any([signal, AbortSignal.timeout(listMs)])
    const items = await listModelsOf(settings, reach.fetch, within)
    if (items) return { items }
    const why = settings.kind === 'azure' ? 'Azure does not list its deployments' : 'RIG chooses its model itself'
    throw new Problem('bad_request', `${why}: there is no list to choose from.`)
  }

  /** Returns settings to try: as in the request, with the stored key if none is given and the address is the same. */
  #tried(
    principal: Principal,
    { provider_id: id, provider }: Tried,
    model?: 'any',
  ): { settings: ModelSettings; reach: Reach } {
    refuseProgram(principal)
    const { reach } = this.#options
    const known = id === undefined ? undefined : this.#find(id)
    if (known?.source === 'environment') return { settings: this.#modelSettings(known), reach: reach.environment }
    const settings = provider ?? known?.settings
    if (settings === undefined) throw badInput('body', 'Say which provider is tried.')
    const at = provider ? 'body.provider' : 'body'
    const isKept = known && isSamePlace(settings, known.settings, at)
    const apiKey = provider?.api_key ?? (isKept ? this.#keyOf(known.id) : undefined)
    const { api_key: _key, ...plain } = { api_key: undefined, ...settings }
    // The list of models is requested before one is chosen.
    const checked = model === 'any' ? { ...plain, model: plain.model || 'any' } : plain
    checkProvider(checked, apiKey !== undefined, at)
    return { settings: modelSettingsOf(known?.id ?? 'new', checked, apiKey), reach: reach.page }
  }

  async #changeEnvironment(principal: Principal, known: KnownProvider, body: ProviderBody): Promise<AssistantProvider> {
    for (const name of ['kind', 'name', 'base_url', 'model'] as const) {
      if (body[name] !== known.settings[name]) {
        throw badInput(`body.${name}`, `${known.id} is set by the environment: change this there.`)
      }
    }
    if (body.api_key !== undefined)
      throw badInput('body.api_key', 'The key is set by the environment: change it there.')
    checkProvider({ ...body, base_url: known.settings.base_url }, true)
    const { enabled, is_local, context_tokens, price_input, price_output, mail } = body
    const change = { enabled, is_local, context_tokens, price_input, price_output, mail }
    await this.#change(principal, async (transaction, at, { rows, stored }) => {
      const next = { ...stored, environment: { ...stored.environment, [known.id]: change } }
      await this.#options.store.save(transaction, next, at)
      return { rows, stored: next }
    })
    return this.#view(this.#find(known.id))
  }

  /** Applies a change before it is announced, and rolls it back if it cannot be stored. */
  async #change(
    principal: Principal,
    alter: (transaction: Database, at: string, state: State) => Promise<State>,
  ): Promise<void> {
    const run = async () => {
      const before = this.#state
      await this.#options.hub
        .transact(async (transaction, publish) => {
          const at = new Date().toISOString()
          this.#use(await alter(transaction, at, before))
          publish({ type: 'configuration_updated', data: { changed: ['assistant'], principal: principal.name, at } })
        })
        .catch((error: unknown) => {
          this.#use(before)
          throw error
        })
    }
    const mine = this.#last.then(run, run)
    this.#last = mine.catch(() => undefined)
    await mine
  }

  #use(state: State): void {
    this.#state = state
    const known = this.#known()
    const off = known.filter(({ settings }) => !settings.enabled)
    this.#options.chain.use(
      known.filter(({ settings }) => settings.enabled).map(each => this.#entry(each, state.stored)),
      state.stored.limits,
      new Map(off.map(({ id, settings }) => [id, settings.name])),
    )
  }

  #entry(known: KnownProvider, { shares }: StoredSettings): ModelEntry {
    const { id, source, settings } = known
    const own = new Map(
      shares.flatMap(rule => (rule.provider_id === id ? [[rule.account_id, rule.share] as const] : [])),
    )
    const wanted = this.#modelSettings(known)
    return {
      model: this.#options.createModel(wanted, this.#options.reach[source].fetch),
      kind: settings.kind,
      identity: JSON.stringify([id, wanted.kind, wanted.baseUrl, wanted.model, wanted.apiKey]),
      shareOf: accountId => own.get(accountId) ?? settings.mail,
      priceInput: settings.price_input,
      priceOutput: settings.price_output,
    }
  }

  #modelSettings({ id, source, settings }: KnownProvider): ModelSettings {
    const given = this.#options.environment.find(each => each.id === id)
    if (source === 'environment' && given) {
      return { ...given, isLocal: settings.is_local, contextTokens: settings.context_tokens }
    }
    return modelSettingsOf(id, settings, this.#keyOf(id))
  }

  #keyOf(id: string): string | undefined {
    const sealed = this.#state.rows.find(row => row.id === id)?.key_sealed
    return sealed ? this.#options.secrets.open(sealed, providerKeyContext(id)) : undefined
  }

  #row(id: string, { api_key, ...settings }: ProviderBody, at: string, kept: string | null): AssistantProviderRow {
    const key_sealed = api_key === undefined ? kept : this.#options.secrets.seal(api_key, providerKeyContext(id))
    return { id, settings: JSON.stringify(settings), key_sealed, created_at: at, changed_at: at }
  }

  #known(): KnownProvider[] {
    return knownProviders(this.#options.environment, this.#state.rows, this.#state.stored)
  }

  #find(id: string): KnownProvider {
    const known = this.#known().find(each => each.id === id)
    if (!known) throw notFound(id)
    return known
  }

  #view({ id, source, settings, hasKey }: KnownProvider): AssistantProvider {
    const { state = 'ready', lastFault = null } = this.#options.chain.standingOf(id) ?? {}
    const shown = !settings.enabled ? 'off' : state === 'probing' ? 'resting' : state
    return { id, ...settings, has_key: hasKey, source, state: shown, last_fault: lastFault }
  }
}

function modelSettingsOf(
  id: string,
  settings: Omit<ProviderBody, 'api_key'>,
  apiKey: string | undefined,
): ModelSettings {
  const { kind, name, base_url: baseUrl, model, is_local: isLocal, context_tokens: contextTokens } = settings
  return { id, kind, name, baseUrl, apiKey, model, isLocal, contextTokens }
}

/** Refuses tokens, since a leaked one could otherwise send mail to a provider of its choice. */
function refuseProgram(principal: Principal): void {
  if (principal.kind !== 'token') return
  throw new Problem('session_needed', 'Sign in to change the assistant; tokens are not allowed to.')
}

function notFound(id: string): Problem {
  return new Problem('provider_not_found', `There is no provider ${id}.`)
}

type Place = Pick<ProviderBody, 'kind' | 'base_url'>

/** Returns true for the same scheme, host and port; the path may differ. @throws Problem for an unusable URL. */
function isSamePlace(now: Place, was: Place, at?: InputPath): boolean {
  const { origin } = new URL(endpointIn(now, at).baseUrl)
  return now.kind === was.kind && origin === originOf(was)
}

/** Returns the origin; undefined for a stored URL that would not be accepted any more. */
function originOf(stored: Place): string | undefined {
  try {
    return new URL(endpointIn(stored).baseUrl).origin
  } catch {
    return undefined
  }
}

function lastOfEach(shares: NonNullable<SettingsChange['shares']>): NonNullable<SettingsChange['shares']> {
  return [...new Map(shares.map(rule => [`${rule.provider_id} ${rule.account_id}`, rule])).values()]
}
