/**
 * Keeps a connection in IDLE on a folder, checks regularly that the server is alive, and leaves IDLE for other
 * commands.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { ImapFlow } from 'imapflow'
import type { WatchChange } from '../mail-gateway.ts'
import type { OpenFolder } from './imapflow-folder.ts'
import type { KeptFolder } from './imapflow-kept-folder.ts'

export interface WatchTimes {
  /** Interval for renewing IDLE, ± 20 %, so that NAT mappings stay alive and dead peers are detected. */
  renewIdleMs: number
  /** Polling interval where there is no IDLE. */
  pollMs: number
  /** Timeout of these checks. */
  checkMs: number
}

/** Together below a minute, the time in which a frozen network or server is detected. */
export const watchTimes: WatchTimes = { renewIdleMs: 25_000, pollMs: 30_000, checkMs: 20_000 }

export interface WatchOptions {
  client: ImapFlow
  folder: KeptFolder
  path: string
  times: WatchTimes
  /** Runs a command; a timeout ends the connection. */
  command<T>(work: () => Promise<T>, timeoutMs?: number): Promise<T>
  /** Aborted when the connection has ended. */
  ended: AbortSignal
  onChange(change: WatchChange): void
}

/** Pause between two IDLEs when the server ends them, so that it cannot make us spin. */
const idleAgainMs = 1_000
const spread = 0.2

export class ImapFlowWatch {
  readonly #options: WatchOptions
  #isPolling = false
  /** The folder state at its opening; undefined after any reported change. */
  #known: OpenFolder | undefined
  /** ImapFlow's object of that opening: a command that opens the folder again replaces it. */
  #opening: ImapFlow['mailbox'] = false
  /** Interrupts the current lap for a check. */
  #ask: () => void = () => undefined
  #pause: PromiseWithResolvers<void> | undefined
  #parked = Promise.withResolvers<void>()

  constructor(options: WatchOptions) {
    this.#options = options
    const { client, path, onChange } = options
    const emit = (where: string, change: WatchChange) => {
      // Events of other folders, for which the connection is lent too.
      if (options.folder.path !== path && client.mailbox && client.mailbox.path === where) return
      this.#known = undefined
      onChange(change)
    }
    client.on('exists', ({ path: where, count }) => emit(where, { kind: 'exists', count }))
    client.on('expunge', ({ path: where }) => emit(where, { kind: 'expunge' }))
    client.on('flags', ({ path: where }) => emit(where, { kind: 'flags' }))
  }

  get isRunning(): boolean {
    return !this.#pause && !this.#options.ended.aborted
  }

  async open(): Promise<OpenFolder> {
    const { client, folder, path } = this.#options
    const opened = await folder.open(path)
    this.#known = opened
    this.#opening = client.mailbox
    return opened
  }

  /** Runs until the connection ends. */
  async run(): Promise<void> {
    const { client, ended, onChange, times } = this.#options
    this.#isPolling = !client.capabilities.has('IDLE') && !client.capabilities.has('IMAP4rev2')
    if (this.#isPolling) onChange({ kind: 'polling' })
    while (!ended.aborted) {
      if (this.#pause) {
        this.#parked.resolve()
        await unlessEnded(this.#pause.promise, ended)
        continue
      }
      const outcome = await this.#lap()
      if (ended.aborted) return
      if (outcome === 'ask') {
        // Breaks IDLE; a dead peer does not answer in time, which ends the connection.
        await this.#options.command(() => client.noop(), times.checkMs)
        continue
      }
      if (outcome === false) {
        this.#isPolling = true
        onChange({ kind: 'polling' })
      }
      await wait(idleAgainMs, undefined, { signal: ended })
    }
  }

  /** Checks now that the server is alive, instead of at the next renewal. */
  check(): void {
    this.#ask()
  }

  /** Resolves when other commands may be sent, until `resume`. */
  async pause(): Promise<void> {
    this.#pause = Promise.withResolvers()
    this.#parked = Promise.withResolvers()
    this.#ask()
    await unlessEnded(this.#parked.promise, this.#options.ended)
    this.#options.ended.throwIfAborted()
  }

  /** Reports new mail if the folder was closed or opened again meanwhile: no event says what an opening shows. */
  async resume(): Promise<void> {
    const { client, folder, path, onChange } = this.#options
    if (folder.path !== path || client.mailbox !== this.#opening) {
      const before = this.#known
      const after = await this.#options.command(() => this.open())
      const isSame = before && before.exists === after.exists && before.uidNext === after.uidNext
      if (!isSame || before.uidValidity !== after.uidValidity) onChange({ kind: 'exists', count: after.exists })
    }
    this.#pause?.resolve()
    this.#pause = undefined
  }

  /** Runs one IDLE, or waits until the next poll. @returns False when the server refused IDLE. */
  async #lap(): Promise<'ask' | boolean | undefined> {
    const { client, ended, times } = this.#options
    const over = new AbortController()
    const asked = Promise.withResolvers<'ask'>()
    this.#ask = () => asked.resolve('ask')
    const ms = this.#isPolling ? times.pollMs : times.renewIdleMs * (1 - spread + 2 * spread * Math.random())
    const signal = AbortSignal.any([ended, over.signal])
    const due = wait(ms, 'ask' as const, { signal, ref: false })
    // The abort is expected: the race is over by then.
    due.catch(() => undefined)
    const idle = this.#isPolling ? new Promise<never>(() => undefined) : client.idle()
    return Promise.race([due, asked.promise, idle as Promise<boolean | undefined>]).finally(() => over.abort())
  }
}

async function unlessEnded(promise: Promise<void>, ended: AbortSignal): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>()
  const end = () => resolve()
  ended.addEventListener('abort', end, { once: true })
  if (ended.aborted) end()
  try {
    await Promise.race([promise, over])
  } finally {
    ended.removeEventListener('abort', end)
  }
}
