/** Opens connections of one account, and remembers that its password was refused until something changes. */
import { setTimeout as wait } from 'node:timers/promises'
import type { MailLogin } from '../accounts/mail-login.ts'
import { Problem } from '../platform/problem.ts'
import type { MailConnection, MailGateway } from './mail-gateway.ts'
import type { ServerGate } from './server-gate.ts'
import type { ServerGates } from './server-gates.ts'

export interface ConnectionOpenerOptions {
  accountId: string
  gateway: MailGateway
  gates: ServerGates
  /** Throws when there is no such account, or it is disabled. */
  login(accountId: string): Promise<MailLogin>
  /** Hears that the server refused the password. */
  onRefused(accountId: string, problem: Problem): void
}

export class ConnectionOpener {
  readonly #options: ConnectionOpenerOptions
  #generation = 0
  #connecting = 0
  #isKnown = false
  #refusal: Problem | undefined
  #gate: ServerGate | undefined

  constructor(options: ConnectionOpenerOptions) {
    this.#options = options
  }

  /** Goes up with each `renew`: what was opened before is of an older one. */
  get generation(): number {
    return this.#generation
  }

  /** Connections that are coming about. */
  get connecting(): number {
    return this.#connecting
  }

  /** Whether there was a login for it: there is such an account. */
  get isKnown(): boolean {
    return this.#isKnown
  }

  /** The server's refusal of the password: no login is to be tried until `renew`. */
  get refusal(): Problem | undefined {
    return this.#refusal
  }

  /** Of the mail server, as the last login named it. */
  get gate(): ServerGate | undefined {
    return this.#gate
  }

  /** Whether the server is away, as far as is known. */
  get isAway(): boolean {
    return this.#gate?.outage !== undefined
  }

  /** Something took too long: looks whether the server still greets. */
  async suspect(): Promise<void> {
    await this.#gate?.suspect()
  }

  /** Resolves when it is worth trying again: after `delayMs`, and not before the server is back, when it is away. */
  async untilWorthTrying(delayMs: number, signal: AbortSignal): Promise<void> {
    if (this.#gate) return this.#gate.untilBack(delayMs, signal)
    // An abort only ends the wait.
    await wait(delayMs, undefined, { signal }).catch(() => undefined)
  }

  /** The login may be another one now. */
  renew(): void {
    this.#generation++
    this.#refusal = undefined
    this.#gate?.reset()
  }

  async open(timeoutMs: number, signal: AbortSignal): Promise<MailConnection> {
    const { accountId, gateway, gates } = this.#options
    const generation = this.#generation
    this.#connecting++
    try {
      const login = await this.#options.login(accountId)
      this.#isKnown = true
      this.#gate = gates.of(login)
      return await this.#gate.login(either => gateway.connect(login, { timeoutMs, signal: either }), signal)
    } catch (error) {
      const isRefused = error instanceof Problem && error.extension.fault === 'login'
      if (isRefused && generation === this.#generation) {
        this.#refusal = error
        this.#options.onRefused(accountId, error)
      }
      throw error
    } finally {
      this.#connecting--
    }
  }
}
