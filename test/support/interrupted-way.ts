/** The way of one account to its mail server, which stops at a command: before the server gets it, once it is done, or right after its answer. */
import { startRelay, type TcpRelay } from './tcp-relay.ts'

/** `after`: it is done, and the answer does not come through. */
export interface Interruption {
  at: 'before' | 'after' | 'answered'
  command: string
}

export interface InterruptedWayOptions {
  user: string
  /** Finds a tag and one of the commands that it may stop at, as its two groups. */
  commands: RegExp
  /** What the client gets in place of an answer that comes through. */
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

  /** @returns Resolves when it has come to that point. */
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
