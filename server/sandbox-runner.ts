/** Runs the throw-away mail server on demand, and keeps its account connected. A part of the composition root. */

import type { Account } from '../contract/accounts.ts'
import type { SandboxServer } from '../sandbox/sandbox-server.ts'
import type { AccountService } from './accounts/account-service.ts'
import type { Logger } from './platform/logger.ts'
import type { OutboundGuard } from './platform/network/outbound-guard.ts'
import { Problem } from './platform/problem.ts'

interface SandboxRunnerOptions {
  accounts: AccountService
  /** Returns a UIDVALIDITY higher than any before, also across restarts: UIDs of the previous mailbox are void. */
  nextUidValidity: () => Promise<number>
  /** Trusts the sandbox: it is on this machine, where people may not name servers. */
  guard: Pick<OutboundGuard, 'trust' | 'distrust'>
  logger: Logger
}

export class SandboxRunner {
  readonly #options: SandboxRunnerOptions
  #server: SandboxServer | undefined
  #places: { host: string; port: number }[] = []
  #isStarting = false

  constructor(options: SandboxRunnerOptions) {
    this.#options = options
  }

  get isRunning(): boolean {
    return this.#server !== undefined
  }

  /**
   * Starts the only sandbox. Reconnects the account of an earlier run under its id, or makes a new one if it was
   * deleted.
   * @param isAsked True if a person asked for it, and so wants the account enabled.
   */
  async start({ isAsked }: { isAsked: boolean }): Promise<Account> {
    const { accounts, guard, nextUidValidity, logger } = this.#options
    const isRunning = new Problem('sandbox_running', 'The sandbox is running, and its account is connected.')
    if (this.#isStarting) throw isRunning
    this.#isStarting = true
    try {
      if (this.isRunning && (await accounts.hasSandbox())) throw isRunning
      await this.stop()
      // Loaded on demand: a server without a sandbox saves its memory.
      const { SandboxServer } = await import('../sandbox/sandbox-server.ts').catch(explainMissing)
      const server = new SandboxServer({ newMailEveryMs: 20_000, uidValidity: await nextUidValidity(), logger })
      const { host, imapPort, smtpPort, user, password, email } = await server.start()
      this.#server = server
      this.#places = [imapPort, smtpPort].map(port => ({ host, port }))
      for (const place of this.#places) guard.trust(place.host, place.port)
      const login = { host, tls: 'none', user, password } as const
      const input = {
        name: 'Sandbox',
        email,
        imap: { ...login, port: imapPort },
        smtp: { ...login, port: smtpPort },
        enabled: isAsked,
      }
      logger.info({ imapPort, smtpPort }, 'the sandbox mail server is running')
      return await accounts.openSandbox(input).catch(async (error: unknown) => {
        await this.stop()
        throw error
      })
    } finally {
      this.#isStarting = false
    }
  }

  async stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    this.#options.accounts.closeSandbox()
    for (const { host, port } of this.#places.splice(0)) this.#options.guard.distrust(host, port)
    await server?.stop()
  }
}

/** Explains a missing module: a checkout without development packages has no test server for the sandbox. */
function explainMissing(error: unknown): never {
  if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error
  throw new Problem('sandbox_missing', 'The packages of the sandbox are not installed: run npm ci without --omit=dev.')
}
