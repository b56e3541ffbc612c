/** Talks to a mail server up to the login: greeting, capabilities, TLS. Each protocol's dialect has its own file. */
import type { AccountAuth, TlsKind } from '../../contract/accounts.ts'
import type { LineListener } from '../accounts/protocol-log.ts'
import { supportsTls } from '../accounts/tls-probe.ts'
import type { Address } from '../platform/network/outbound-guard.ts'
import { type Check, type Finding, oneLine, skipped, TooLate, timed, toCheck, wordsOf } from './check.ts'
import { looksLike } from './greeting.ts'
import type { Part } from './reach-server.ts'
import { noTls, tlsFinding } from './tls-finding.ts'
import { type Place, Wire } from './wire.ts'

export interface Target extends Place {
  part: Part
  /** How the account logs in. */
  kind: AccountAuth['kind']
  tls: TlsKind
}

/** The dialogue of a protocol before the login. */
export interface Dialect {
  name: string
  isGreeting(line: string): boolean
  /** Returns what is wrong with a greeting that refuses the connection. */
  refusalIn(greeting: string): string | undefined
  /** Sent to a silent server, to which those that wait for a request respond. */
  nudge: string
  /** Asks for capabilities. @returns Them in capitals. */
  offers(talk: Conversation): Promise<ReadonlySet<string>>
  /** Requests TLS. @returns True if it may begin, and the server's words. */
  startTls(talk: Conversation): Promise<{ isReady: boolean; words: string }>
  methods(offers: ReadonlySet<string>, isSecure: boolean, kind: AccountAuth['kind']): Finding
  goodbye: string
  /** Splits what is said into lines for the protocol log of the account. */
  lineSplitter(onLine: LineListener): { sent(line: string): void; received(line: string): void }
}

export interface Conversation {
  send(line: string): void
  readLine(): Promise<string>
}

export interface Talked {
  checks: Check[]
  /** Why no password may be sent; undefined if it may. */
  whyNoLogin: string | undefined
  greeting: string
  offers: ReadonlySet<string>
  notBefore: Date | undefined
}

export interface TalkOptions {
  target: Target
  dialect: Dialect
  address: Address
  stepMs: number
  signal: AbortSignal
  onLine: LineListener | undefined
  now: number
}

export async function talk(options: TalkOptions): Promise<Talked> {
  const talker = new Talker(options)
  try {
    await talker.run()
  } finally {
    talker.end()
  }
  return talker.result()
}

/** The checks in order of execution. */
const stepsOf: Readonly<Record<TlsKind, readonly Check['id'][]>> = {
  implicit: ['tls', 'greeting', 'login_methods'],
  starttls: ['greeting', 'starttls', 'tls', 'login_methods'],
  none: ['greeting', 'starttls', 'login_methods'],
}
const mayRefuse =
  'The server may refuse this machine’s address, or too many connections: try again later, then ask its operator.'
/** Upper bound of lines in a greeting. */
const mostGreeting = 50

class Talker implements Conversation {
  readonly #options: TalkOptions
  readonly #checks: Check[] = []
  readonly #ear: ReturnType<Dialect['lineSplitter']> | undefined
  #wire: Wire | undefined
  #greeting = ''
  #offers: ReadonlySet<string> = new Set()
  #notBefore: Date | undefined

  constructor(options: TalkOptions) {
    this.#options = options
    this.#ear = options.onLine && options.dialect.lineSplitter(options.onLine)
  }

  async run(): Promise<void> {
    const { target, address, stepMs, signal } = this.#options
    try {
      this.#wire = await Wire.open(target, address, stepMs, signal)
    } catch (error) {
      const words = `The port opened once, but not again: ${wordsOf(error)}`
      this.#checks.push(toCheck(target.part, stepsOf[target.tls][0]!, { state: 'failed', words, advice: [mayRefuse] }))
      return
    }
    const steps: Partial<Record<Check['id'], () => Promise<Finding>>> = {
      tls: () => this.#secure(),
      greeting: () => this.#greet(),
      starttls: () => this.#startTls(),
      login_methods: () => this.#methods(),
    }
    for (const id of stepsOf[target.tls]) {
      const check = await timed(target.part, id, steps[id]!)
      this.#checks.push(check)
      if (check.state === 'failed') return
    }
  }

  send(line: string): void {
    this.#ear?.sent(line)
    this.#wire?.write(line)
  }

  async readLine(): Promise<string> {
    const { stepMs, signal } = this.#options
    const line = await this.#wire!.line(stepMs, signal)
    this.#ear?.received(line)
    return line
  }

  end(): void {
    if (this.#offers.size === 0) return this.#wire?.close()
    this.#ear?.sent(this.#options.dialect.goodbye)
    this.#wire?.end(this.#options.dialect.goodbye)
  }

  result(): Talked {
    const { part, tls } = this.#options.target
    const failed = this.#checks.find(({ state, id }) => state === 'failed' && id !== 'login_methods')
    const whyNoLogin = failed?.words
    const rest = stepsOf[tls].slice(this.#checks.length)
    const checks = [...this.#checks, ...rest.map(id => skipped(part, id, 'Not reached: see above.'))]
    return { checks, whyNoLogin, greeting: this.#greeting, offers: this.#offers, notBefore: this.#notBefore }
  }

  async #secure(): Promise<Finding> {
    const { target, stepMs, signal, now } = this.#options
    const { part, host, port } = target
    try {
      const socket = await this.#wire!.secure(host, stepMs, signal)
      const { finding, notBefore } = tlsFinding(socket, part, host, now)
      this.#notBefore = notBefore
      return finding
    } catch (error) {
      return noTls(error, part, port)
    }
  }

  async #greet(): Promise<Finding> {
    const { target, dialect, stepMs, signal } = this.#options
    try {
      // Half of the timeout, so that a silent server can be nudged in the other half.
      this.#greeting = await this.#wire!.line(stepMs / 2, signal)
      this.#ear?.received(this.#greeting)
      let more = this.#greeting
      for (let lines = 1; /^220-/.test(more) && lines < mostGreeting; lines++) {
        more = await this.readLine()
        this.#greeting += ` ${more}`
      }
    } catch (error) {
      if (!(error instanceof TooLate)) return this.#closed(error)
      return this.#silent()
    }
    const greeting = oneLine(this.#greeting).slice(0, 300)
    if (!dialect.isGreeting(this.#greeting)) return this.#stranger(this.#greeting)
    const refusal = dialect.refusalIn(this.#greeting)
    const details = [['Greeting', greeting]] as const
    if (refusal) {
      const advice = ['Wait a while and try again; if this persists, ask the operator of the mail server.']
      return { state: 'failed', words: `${refusal} It said: ${greeting}`, details, advice }
    }
    return { state: 'ok', words: `${dialect.name} answers at ${target.host}:${target.port}.`, details }
  }

  async #silent(): Promise<Finding> {
    const { target, dialect, address, stepMs, signal } = this.#options
    const { host, port, part } = target
    const implicit = part === 'imap' ? 993 : 465
    if (target.tls !== 'implicit') {
      const bound = AbortSignal.any([signal, AbortSignal.timeout(stepMs / 2)])
      if (await supportsTls({ host, port, addresses: [address], signal: bound })) {
        const words = `${host}:${port} waits for TLS from the first byte.`
        return {
          state: 'failed',
          words,
          advice: [`Choose implicit TLS for this port${port === implicit ? '' : `, or port ${implicit}`}.`],
        }
      }
    }
    this.#wire!.write(dialect.nudge)
    try {
      return this.#stranger(await this.#wire!.line(stepMs / 2, signal))
    } catch {
      const words = `${host}:${port} takes connections, but says nothing.`
      const advice = [
        'Check the port and the kind of TLS.',
        'If both are right, the mail server is overloaded or hangs: try again later.',
      ]
      return { state: 'failed', words, advice }
    }
  }

  #stranger(said: string): Finding {
    const { target, dialect } = this.#options
    const words = oneLine(said).slice(0, 300)
    const what = looksLike(said)
    const looks = what ? `looks like ${what}` : 'is not known'
    const usual = target.part === 'imap' ? '993 or 143' : '465 or 587'
    return {
      state: 'failed',
      words: `What answers at ${target.host}:${target.port} is not ${dialect.name}: it ${looks}.`,
      details: [['It said', words]],
      advice: [`Enter the port of ${dialect.name}, mostly ${usual}.`],
    }
  }

  #closed(error: unknown): Finding {
    const rest = this.#wire?.rest.toString('latin1') ?? ''
    if (rest !== '') return this.#stranger(rest)
    const words = `The server closed the connection without a greeting (${wordsOf(error)})`
    const advice = [mayRefuse]
    return { state: 'failed', words, advice }
  }

  async #startTls(): Promise<Finding> {
    const { target, dialect } = this.#options
    this.#offers = await dialect.offers(this)
    const isOffered = this.#offers.has('STARTTLS')
    if (target.tls === 'none') {
      return { state: 'ok', words: `STARTTLS is ${isOffered ? 'offered, and not used as you chose' : 'not offered'}.` }
    }
    if (!isOffered) {
      const implicit = target.part === 'imap' ? 993 : 465
      const advice = [
        `Choose implicit TLS with port ${implicit}.`,
        'Otherwise the operator of the mail server has to enable TLS.',
      ]
      return { state: 'failed', words: 'The server does not offer STARTTLS. No password is sent.', advice }
    }
    const { isReady, words } = await dialect.startTls(this)
    if (isReady) return { state: 'ok', words: 'STARTTLS is offered, and begins.' }
    const refused = `The server offers STARTTLS and refuses to begin: ${oneLine(words).slice(0, 300)}`
    return {
      state: 'failed',
      words: refused,
      advice: ['The operator of the mail server has to repair its certificate or key.'],
    }
  }

  async #methods(): Promise<Finding> {
    const { target, dialect } = this.#options
    // Capabilities from before TLS must be discarded (RFC 9051, section 6.2.1).
    if (target.tls !== 'none') this.#offers = await dialect.offers(this)
    return dialect.methods(this.#offers, target.tls !== 'none', target.kind)
  }
}
