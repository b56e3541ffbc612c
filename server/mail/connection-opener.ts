/** Opens connections of one account, and remembers that its password was refused until something changes. */
import type { MailLogin } from '../accounts/mail-login.ts'
import { Problem } from '../platform/problem.ts'
import type { MailConnection, MailGateway } from './mail-gateway.ts'

export interface ConnectionOpenerOptions {
  accountId: string
  gateway: MailGateway
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

  /** The login may be another one now. */
  renew(): void {
    this.#generation++
    this.#refusal = undefined
  }

  async open(timeoutMs: number, signal: AbortSignal): Promise<MailConnection> {
    const { accountId, gateway } = this.#options
    const generation = this.#generation
    this.#connecting++
    try {
      const login = await this.#options.login(accountId)
      this.#isKnown = true
      return await gateway.connect(login, { timeoutMs, signal })
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
