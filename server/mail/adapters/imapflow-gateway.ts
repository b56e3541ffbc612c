/** Connects to IMAP servers with ImapFlow. What a connection does is in `imapflow-connection.ts`. */
import type { ImapFlow } from 'imapflow'
import type { MailLogin } from '../../accounts/mail-login.ts'
import type { Address, OutboundGuard } from '../../platform/outbound-guard.ts'
import { Problem } from '../../platform/problem.ts'
import type { ConnectOptions, MailConnection, MailGateway, MailPlace } from '../mail-gateway.ts'
import { ImapFlowConnection } from './imapflow-connection.ts'
import { type FaultContext, tooSlow, translateFault } from './imapflow-faults.ts'
import type { KeepingTimes } from './imapflow-kept-folder.ts'
import { quoteNil } from './imapflow-nil.ts'
import { greetingOf, ImapSocket } from './imapflow-socket.ts'
import { type WatchTimes, watchTimes } from './imapflow-watch.ts'

export interface ImapFlowGatewayOptions {
  watching?: Partial<WatchTimes>
  /** How long a folder is kept open before it is opened again. */
  keeping?: KeepingTimes
  /** Judges where it may connect to; without it, anywhere. */
  guard?: Pick<OutboundGuard, 'check'>
}

/** ImapFlow's own watch over silence; ours over each command is shorter. */
const socketTimeoutMs = 10 * 60_000
/** The most that a server may send as one literal: far above the parts that we ask for. */
const maxLiteralSize = 64 * 1024 * 1024
const maxResponseSize = 128 * 1024 * 1024
/** A row of FETCH has some 15,000 at most when it has passed the limiter, and no other answer has as many. */
const maxResponseTokens = 100_000

export class ImapFlowGateway implements MailGateway {
  readonly #watching: WatchTimes
  readonly #keeping: KeepingTimes | undefined
  readonly #guard: ImapFlowGatewayOptions['guard']

  constructor({ watching, keeping, guard }: ImapFlowGatewayOptions = {}) {
    this.#guard = guard
    this.#keeping = keeping
    this.#watching = { ...watchTimes, ...watching }
  }

  async connect(login: MailLogin, { timeoutMs, signal }: ConnectOptions): Promise<MailConnection> {
    signal.throwIfAborted()
    const addresses = await this.#addressesOf(login)
    const socket = new ImapSocket(addresses)
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
    const { host, port, password } = place
    return new ImapFlowConnection({
      client,
      timeoutMs,
      context: { host, port, password, phase: 'session' },
      watching: this.#watching,
      ...(this.#keeping ? { keeping: this.#keeping } : {}),
    })
  }

  async probe({ host, port, tls }: MailPlace, { timeoutMs, signal }: ConnectOptions): Promise<void> {
    const addresses = await this.#addressesOf({ host, port, password: '' })
    const socket = new ImapSocket(addresses)
    const bound = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    try {
      await greetingOf(socket, { host, port, secure: tls === 'implicit' }, bound)
    } catch (error) {
      signal.throwIfAborted()
      const context: FaultContext = { host, port, password: '', phase: socket.phase }
      if (!bound.aborted) throw translateFault(error, context)
      const { code, detail } = tooSlow(context)
      throw new Problem(code, detail, { part: 'imap', fault: 'timeout' })
    }
  }

  async #addressesOf({
    host,
    port,
    password,
  }: Pick<MailLogin, 'host' | 'port' | 'password'>): Promise<Address[] | undefined> {
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
    maxLineLength: maxLiteralSize,
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
