/** Connects to IMAP servers with ImapFlow. What a connection does is in `imapflow-connection.ts`. */
import type { ImapFlow } from 'imapflow'
import type { MailLogin } from '../../accounts/mail-login.ts'
import type { Address, OutboundGuard } from '../../platform/outbound-guard.ts'
import { Problem } from '../../platform/problem.ts'
import type { ConnectOptions, MailConnection, MailGateway } from '../mail-gateway.ts'
import { AnswerBudget } from './imapflow-budget.ts'
import { ImapFlowConnection } from './imapflow-connection.ts'
import { type FaultContext, tooSlow, translateFault } from './imapflow-faults.ts'
import { quoteNil } from './imapflow-nil.ts'
import { ImapSocket } from './imapflow-socket.ts'
import { IncomingTurns } from './imapflow-turns.ts'

export interface ImapFlowGatewayOptions {
  /** Well below the 29 minutes of RFC 2177, so that a half-open connection is noticed soon. */
  renewIdleMs?: number
  pollMs?: number
  /** Judges where it may connect to; without it, anywhere. */
  guard?: Pick<OutboundGuard, 'check'>
  /** Hears of each row of a message that nobody asked for. */
  onRowDropped?: () => void
  /** How many changes of a mailbox a server may tell of unasked, at once. */
  unaskedLines?: number
}

/** ImapFlow's own watch over silence; ours over each command is shorter. */
const socketTimeoutMs = 10 * 60_000
/** What passed the limiter is smaller: a second wall. */
const maxLiteralSize = 1024 * 1024
const maxResponseSize = 16 * 1024 * 1024
/** A row of FETCH has some 15,000 at most when it has passed the limiter, and no other answer has as many. */
const maxResponseTokens = 100_000

export class ImapFlowGateway implements MailGateway {
  readonly #renewIdleMs: number
  readonly #pollMs: number
  readonly #guard: ImapFlowGatewayOptions['guard']
  readonly #onRowDropped: ImapFlowGatewayOptions['onRowDropped']
  readonly #unaskedLines: number | undefined
  readonly #turns = new IncomingTurns()

  constructor({ renewIdleMs = 4 * 60_000, pollMs = 30_000, ...rest }: ImapFlowGatewayOptions = {}) {
    this.#guard = rest.guard
    this.#unaskedLines = rest.unaskedLines
    this.#onRowDropped = rest.onRowDropped
    this.#renewIdleMs = renewIdleMs
    this.#pollMs = pollMs
  }

  async connect(login: MailLogin, { timeoutMs, signal }: ConnectOptions): Promise<MailConnection> {
    signal.throwIfAborted()
    const addresses = await this.#addressesOf(login)
    const socket = new ImapSocket(this.#turns, new AnswerBudget(this.#unaskedLines), addresses)
    const client = await createClient(login, socket, timeoutMs)
    quoteNil(client)
    signal.throwIfAborted()
    const place = { host: login.host, port: login.port, password: login.password }
    const context = (): FaultContext => ({ ...place, phase: socket.phase })
    // Without a listener an error event would end the process; `connect` rejects with the same error.
    client.on('error', () => undefined)
    try {
      await withinTime(client, context, timeoutMs, signal)
    } catch (error) {
      client.close()
      signal.throwIfAborted()
      throw translateFault(error, context())
    }
    socket.welcome()
    const { host, port, password } = place
    return new ImapFlowConnection({
      client,
      timeoutMs,
      context: { host, port, password, phase: 'session' },
      renewIdleMs: this.#renewIdleMs,
      pollMs: this.#pollMs,
      onRowDropped: this.#onRowDropped,
    })
  }

  async #addressesOf({ host, port, password }: MailLogin): Promise<Address[] | undefined> {
    try {
      return await this.#guard?.check(host, port)
    } catch (error) {
      if (error instanceof Problem) throw new Problem(error.code, error.message, { ...error.extension, part: 'imap' })
      throw translateFault(error, { host, port, password, phase: 'connecting' })
    }
  }
}

async function createClient(login: MailLogin, transport: ImapSocket, timeoutMs: number): Promise<ImapFlow> {
  // Loaded with the first account: a server without one does without its memory.
  const { ImapFlow } = await import('imapflow')
  return new ImapFlow({
    host: login.host,
    port: login.port,
    secure: login.tls === 'implicit',
    doSTARTTLS: login.tls === 'starttls',
    auth: { user: login.user, pass: login.password },
    transport,
    logger: false,
    clientInfo: { name: 'RustyMail', vendor: 'RustyMail', 'support-url': '' },
    disableAutoIdle: true,
    // It would be undone behind the limiter, which reads the bare words.
    disableCompression: true,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: socketTimeoutMs,
    maxLiteralSize,
    maxLineLength: maxResponseSize,
    maxResponseSize,
    maxResponseTokens,
  })
}

/** ImapFlow bounds each step; this bounds them together. */
async function withinTime(
  client: ImapFlow,
  context: () => FaultContext,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const { promise: ended, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const { code, detail } = tooSlow(context())
    reject(new Problem(code, detail, { part: 'imap', fault: 'timeout' }))
  }, timeoutMs)
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    await Promise.race([client.connect(), ended])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}
