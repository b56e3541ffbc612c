/**
 * Interrupts an account's connection to its mail server at a command: before the server receives it, after its
 * execution, or after its answer.
 */
import { startRelay, type TcpRelay } from './tcp-relay.ts'

/** `after`: the command is executed, and its answer is lost. */
export interface Interruption {
  at: 'before' | 'after' | 'answered'
  command: string
}

export interface InterruptedWayOptions {
  user: string
  /** Captures the tag and the name of an interruptible command as two groups. */
  commands: RegExp
  /** Rewrites an answer that comes through before the client gets it. */
  told?: (answer: string) => string
}

export class InterruptedWay {
  readonly user: string
  relay!: TcpRelay
  accountId = ''
  readonly #options: InterruptedWayOptions
  #armed: Interruption | undefined
  #tag: string | undefined
  #reached = Promise.withResolvers<void>()

  constructor(options: InterruptedWayOptions) {
    this.user = options.user
    this.#options = options
  }

  async open(port: number): Promise<void> {
    this.relay = await startRelay(port, { holds: text => this.#hold(text), toClient: text => this.#answer(text) })
  }

  /** @returns Resolves when that point is reached. */
  arm(point: Interruption): Promise<void> {
    this.#armed = point
    this.#tag = undefined
    this.#reached = Promise.withResolvers<void>()
    return this.#reached.promise
  }

  disarm(): void {
    this.#armed = undefined
    this.#tag = undefined
  }

  #hold(text: string): Promise<void> | undefined {
    const armed = this.#armed
    const [, tag, command = ''] = this.#options.commands.exec(text) ?? []
    if (!armed || command !== armed.command || this.#tag !== undefined) return undefined
    this.#tag = tag
    if (armed.at !== 'before') return undefined
    this.#reached.resolve()
    return new Promise(() => undefined)
  }

  #answer(text: string): string {
    const armed = this.#armed
    const told = this.#options.told?.(text) ?? text
    if (!armed || armed.at === 'before' || this.#tag === undefined) return told
    if (new RegExp(`^${this.#tag} `, 'm').test(text)) this.#reached.resolve()
    return armed.at === 'answered' ? told : ''
  }
}
