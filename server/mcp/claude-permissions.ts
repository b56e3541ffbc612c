/**
 * Permission prompts of Claude Code over its channel, as documented for channels:
 * `notifications/claude/channel/permission_request` carries a prompt that Claude Code also shows at its terminal, and
 * `notifications/claude/channel/permission` the decision of a human elsewhere. The first answer counts; one given at
 * the terminal is not announced.
 */

export const permissionCapabilities = { 'claude/channel/permission': {} }

export interface ClaudePermissionRequest {
  tool_name: string
  description: string
  input_preview: string
}

export interface ClaudePermissionsOptions {
  notify(method: string, params: Record<string, unknown>): Promise<void>
  /** Resolves with the human's decision; undefined if there is none. The signal withdraws the prompt. */
  ask(asked: ClaudePermissionRequest, signal: AbortSignal): Promise<'allow' | 'deny' | undefined>
  /** Logs for people. */
  log(words: string): void
}

const [requestMethod, answerMethod] = [
  'notifications/claude/channel/permission_request',
  'notifications/claude/channel/permission',
]
/** Relayed prompts per session; further ones are shown at the terminal only. */
const mostWaiting = 20
const bounds = { tool_name: 200, description: 1_000, input_preview: 1_000 } as const

export class ClaudePermissions {
  readonly #options: ClaudePermissionsOptions
  readonly #waiting = new Set<string>()
  readonly #over = new AbortController()

  constructor(options: ClaudePermissionsOptions) {
    this.#options = options
  }

  /** @returns Whether the notification was a permission request. */
  take(method: string, params: Record<string, unknown>): boolean {
    if (method !== requestMethod) return false
    const { request_id: id } = params
    const isKnown = typeof id === 'string' && /^[a-z]{5}$/.test(id)
    if (!isKnown || this.#over.signal.aborted || this.#waiting.has(id) || this.#waiting.size >= mostWaiting) return true
    this.#waiting.add(id)
    const asked = {
      tool_name: textOf(params, 'tool_name') || 'unknown',
      description: textOf(params, 'description'),
      input_preview: textOf(params, 'input_preview'),
    }
    void this.#relay(id, asked).finally(() => this.#waiting.delete(id))
    return true
  }

  /** Withdraws waiting prompts. */
  stop(): void {
    this.#over.abort()
  }

  async #relay(id: string, asked: ClaudePermissionRequest): Promise<void> {
    const { ask, notify, log } = this.#options
    const { signal } = this.#over
    try {
      const behavior = await ask(asked, signal)
      if (behavior && !signal.aborted) await notify(answerMethod, { request_id: id, behavior })
    } catch (error) {
      if (!signal.aborted) log(`A permission prompt was not relayed: ${error instanceof Error ? error.message : error}`)
    }
  }
}

function textOf(params: Record<string, unknown>, name: keyof typeof bounds): string {
  const value = params[name]
  return typeof value === 'string' ? value.slice(0, bounds[name]).toWellFormed() : ''
}
