/**
 * Decorates a mail gateway with spans for calls and IMAP commands, within the active trace. Background work, such as
 * fetching new mail, starts traces of its own, up to a rate limit.
 */
import type { MailLogin } from '../accounts/mail-login.ts'
import type { LineListener } from '../accounts/protocol-log.ts'
import { TokenBuckets } from '../platform/rate-limits.ts'
import { overridden } from '../platform/tracing/overridden.ts'
import type { Span } from '../platform/tracing/span.ts'
import { errorType, type Tracer } from '../platform/tracing/tracer.ts'
import type { ConnectOptions, MailConnection, MailGateway, MailPlace } from './mail-gateway.ts'

/** Methods that send no commands, or that last as long as the connection. */
const untraced: ReadonlySet<string> = new Set(['watch', 'check', 'pause', 'resume', 'prepare', 'close'])
/** Commands that may become span names; others are not traced. */
const commands: ReadonlySet<string> = new Set(
  (
    'CAPABILITY NOOP LOGOUT STARTTLS ID ENABLE LOGIN AUTHENTICATE SELECT EXAMINE STATUS LIST LSUB NAMESPACE FETCH STORE COPY MOVE EXPUNGE ' +
    'SEARCH SORT APPEND CREATE RENAME DELETE SUBSCRIBE UNSUBSCRIBE GETQUOTA GETQUOTAROOT CLOSE UNSELECT CHECK COMPRESS'
  ).split(' '),
)
/** Unanswered commands traced per connection; further ones are not traced. */
const maxOpen = 20
/** Background traces per minute, of all accounts: a first synchronization must not crowd out requests. */
const rootsPerMinute = 600

export class TracedGateway implements MailGateway {
  readonly #gateway: MailGateway
  readonly #tracer: Tracer
  readonly #roots = new TokenBuckets({ perMinute: rootsPerMinute, now: () => performance.now() })

  constructor(gateway: MailGateway, tracer: Tracer) {
    this.#gateway = gateway
    this.#tracer = tracer
  }

  async connect(login: MailLogin, options: ConnectOptions): Promise<MailConnection> {
    const lines = new CommandSpans(this.#tracer, login)
    const { onLine } = options
    const observeLine: LineListener = (from, line) => {
      onLine?.(from, line)
      lines.observe(from, line)
    }
    const open = () => this.#gateway.connect(login, { ...options, onLine: observeLine })
    const connection = await this.#withLines('connect', lines, open)
    return this.#traced(connection, lines)
  }

  probe(place: MailPlace, options: ConnectOptions): Promise<void> {
    return this.#gateway.probe(place, options)
  }

  #traced(connection: MailConnection, lines: CommandSpans): MailConnection {
    const told = <T extends object>(target: T): T =>
      overridden(target, (name, method) =>
        untraced.has(name)
          ? undefined
          : (...args) => this.#withLines(name, lines, () => method(...args) as Promise<unknown>),
      )
    const [parts, changes, writer] = [told(connection.parts), told(connection.changes), told(connection.writer)]
    const inner = told(connection)
    return new Proxy(inner, {
      get: (target, name) =>
        name === 'parts'
          ? parts
          : name === 'changes'
            ? changes
            : name === 'writer'
              ? writer
              : Reflect.get(target, name),
    })
  }

  async #withLines<T>(name: string, lines: CommandSpans, work: () => Promise<T>): Promise<T> {
    const { active } = this.#tracer
    if (!active && !this.#roots.take('').isAllowed) return work()
    const attributes = { ...lines.attributes, ...(!active && { 'rustymail.is_background': true }) }
    const span = this.#tracer.begin(`imap ${name}`, { parent: active ?? 'none', attributes })
    const before = lines.within
    lines.within = span
    try {
      return await this.#tracer.run(span, work)
    } catch (error) {
      span?.end(errorType(error))
      throw error
    } finally {
      lines.within = before
      span?.end()
    }
  }
}

/** Derives command spans from the lines of one connection: command names only, never arguments. */
class CommandSpans {
  /** The span of the current call; commands run one at a time. */
  within: Span | undefined
  readonly attributes
  readonly #tracer: Tracer
  readonly #open = new Map<string, Span>()

  constructor(tracer: Tracer, { host, port }: MailPlace) {
    this.#tracer = tracer
    this.attributes = { 'network.protocol.name': 'imap', 'server.address': host, 'server.port': port }
  }

  observe(from: 'client' | 'server', line: string): void {
    if (from === 'server') return this.#answered(line)
    if (!this.within || this.within.isOver) return
    const [, tag = '', first = '', uid = ''] = /^(\S{1,40}) ([A-Z]{1,20})(?: ([A-Z]{1,20}))?/.exec(line) ?? []
    const command = first === 'UID' ? uid : first
    if (!commands.has(command) || this.#open.size >= maxOpen) return
    const name = first === 'UID' ? `UID ${uid}` : command
    const attributes = { ...this.attributes, 'rustymail.imap.command': name }
    const span = this.#tracer.begin(name, { kind: 'client', parent: this.within, attributes })
    if (span) this.#open.set(tag, span)
  }

  #answered(line: string): void {
    if (this.#open.size === 0) return
    const [, tag = '', answer = ''] = /^(\S{1,40}) (OK|NO|BAD)\b/i.exec(line) ?? []
    const span = this.#open.get(tag)
    if (!span) return
    this.#open.delete(tag)
    const status = answer.toUpperCase()
    span.set({ 'rustymail.imap.status': status })
    span.end(status === 'OK' ? undefined : status)
  }
}
