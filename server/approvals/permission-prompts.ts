/**
 * Permission prompts of agents that wait for a human. They are held in memory, since they matter only to the running
 * session. The user whose token asks decides, or an administrator if no token does; tokens never decide.
 */
import type { PermissionPrompt, PermissionPromptState } from '../../contract/permission-prompts.ts'
import type { Principal, PrincipalListener } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { RisingIds } from '../platform/rising-ids.ts'
import {
  checkRoom,
  endOf,
  type Held,
  isOf,
  isOfPerson,
  isWaiting,
  mayDecide,
  type PermissionPromptBounds,
  usualBounds,
} from './held-prompts.ts'

export interface PermissionPromptsOptions {
  now(): number
  /** Called when a user's list of prompts has changed. */
  changed(): void
  /** Called with each new prompt, to notify users that are elsewhere. */
  opened(id: string): void
  bounds?: Partial<PermissionPromptBounds>
}

export type RequestedPermission = Pick<PermissionPrompt, 'tool_name' | 'description' | 'input_preview'>

export class PermissionPrompts implements PrincipalListener {
  readonly #options: PermissionPromptsOptions
  readonly #bounds: PermissionPromptBounds
  readonly #ids: RisingIds
  readonly #held = new Map<string, Held>()

  constructor(options: PermissionPromptsOptions) {
    this.#options = options
    this.#bounds = { ...usualBounds, ...options.bounds }
    this.#ids = new RisingIds('q', options.now)
  }

  stop(): void {
    for (const held of this.#held.values()) this.#settle(held, 'cancelled')
  }

  /**
   * Asks for a session in this process, which withdraws the prompt by its signal. @throws Problem when too many wait.
   */
  async request(principal: Principal, asked: RequestedPermission, signal: AbortSignal): Promise<PermissionPromptState> {
    signal.throwIfAborted()
    const held = this.#add(principal, asked)
    const withdraw = () => this.#settle(held, 'cancelled')
    signal.addEventListener('abort', withdraw, { once: true })
    await held.decided.promise
    signal.removeEventListener('abort', withdraw)
    return held.state
  }

  /** Opens a prompt over HTTP. @throws Problem when too many wait, and for sessions. */
  open(principal: Principal, asked: RequestedPermission): PermissionPrompt {
    if (principal.kind !== 'token' && principal.kind !== 'api_key') {
      throw new Problem('forbidden', 'Permission prompts are for programs with a token.')
    }
    const held = this.#add(principal, asked)
    this.#watch(held)
    return held.prompt
  }

  /** Waits for the decision. @throws Problem for prompts of other programs, as for missing ones. */
  async wait(principal: Principal, id: string, ms: number, signal: AbortSignal): Promise<PermissionPromptState> {
    const held = this.#ownOf(principal, id)
    if (held.state !== 'waiting' || ms === 0) {
      this.#watch(held)
      return held.state
    }
    held.waiting++
    clearTimeout(held.quiet)
    const late = Promise.withResolvers<void>()
    const timer = setTimeout(late.resolve, ms)
    signal.addEventListener('abort', () => late.resolve(), { once: true })
    await Promise.race([held.decided.promise, late.promise])
    clearTimeout(timer)
    held.waiting--
    this.#watch(held)
    return held.state
  }

  /** @throws Problem for prompts of other programs, as for missing ones. */
  cancel(principal: Principal, id: string): void {
    this.#settle(this.#ownOf(principal, id), 'cancelled')
  }

  /** Returns the waiting prompts that the user may decide. */
  list(user: Principal): PermissionPrompt[] {
    return [...this.#held.values()].filter(held => isWaiting(held) && mayDecide(user, held)).map(({ prompt }) => prompt)
  }

  /** @throws Problem for a prompt that is decided or ended, or that another user decides. */
  decide(
    user: Principal,
    id: string,
    behavior: 'allow' | 'deny',
  ): { state: PermissionPromptState; asked: PermissionPrompt } {
    const held = this.#held.get(id)
    if (!held || !isWaiting(held) || !mayDecide(user, held)) throw missing()
    this.#settle(held, behavior === 'allow' ? 'allowed' : 'denied')
    return { state: held.state, asked: held.prompt }
  }

  /** Applies the token's new end to its prompts; changes of its scopes do not affect them. */
  changed(principal: Principal): void {
    const endsAt = endOf(principal)
    for (const held of this.#held.values()) {
      const { asks, expires_at: expiresAt } = held.prompt
      if (isWaiting(held) && asks.id === principal.id) this.#expire(held, Math.min(endsAt, Date.parse(expiresAt)))
    }
  }

  revoked(principalId: string): void {
    for (const held of this.#held.values()) if (held.prompt.asks.id === principalId) this.#settle(held, 'cancelled')
  }

  #add(principal: Principal, { tool_name, description, input_preview }: RequestedPermission): Held {
    const { inAll, expiresMs } = this.#bounds
    checkRoom([...this.#held.values()], principal, this.#bounds)
    if (this.#held.size >= inAll) this.#evictDecided(principal)
    const now = this.#options.now()
    const endsAt = Math.min(now + expiresMs, endOf(principal))
    const asks = { kind: principal.kind as PermissionPrompt['asks']['kind'], id: principal.id, name: principal.name }
    const id = this.#ids.next()
    const held: Held = {
      prompt: {
        ...{ id, asks, tool_name, description, input_preview },
        created_at: new Date(now).toISOString(),
        expires_at: new Date(endsAt).toISOString(),
      },
      ...{ userId: principal.userId, state: 'waiting', decided: Promise.withResolvers<void>(), waiting: 0 },
      expiry: undefined,
      quiet: undefined,
    }
    this.#expire(held, endsAt)
    this.#held.set(id, held)
    this.#options.changed()
    this.#options.opened(id)
    return held
  }

  #expire(held: Held, at: number): void {
    clearTimeout(held.expiry)
    held.expiry = setTimeout(() => this.#settle(held, 'expired'), at - this.#options.now()).unref()
  }

  /** Keeps a decided prompt until its program has polled the state, or has stopped polling. */
  #watch(held: Held): void {
    clearTimeout(held.quiet)
    if (held.waiting > 0) return
    const end = () => {
      this.#settle(held, 'cancelled')
      this.#held.delete(held.prompt.id)
    }
    held.quiet = setTimeout(end, this.#bounds.quietMs).unref()
  }

  /**
   * Evicts a decided prompt to make room, the caller's own or its user's first, so that a program that withdraws all
   * its prompts shuts out no other.
   */
  #evictDecided(principal: Principal): void {
    const over = [...this.#held.values()].filter(held => !isWaiting(held))
    const { prompt, quiet } = over.find(isOf(principal)) ?? over.find(isOfPerson(principal)) ?? over[0]!
    clearTimeout(quiet)
    this.#held.delete(prompt.id)
  }

  #ownOf(principal: Principal, id: string): Held {
    const held = this.#held.get(id)
    if (!held || !isOf(principal)(held)) throw missing()
    return held
  }

  #settle(held: Held, state: PermissionPromptState): void {
    if (!isWaiting(held)) return
    held.state = state
    clearTimeout(held.expiry)
    held.decided.resolve()
    // A prompt of a session in this process is never polled.
    if (held.quiet === undefined) this.#held.delete(held.prompt.id)
    else this.#watch(held)
    this.#options.changed()
  }
}

const missing = () => new Problem('not_found', 'There is no such permission prompt, or it is no longer waiting.')
