/** Connects to IMAP servers with ImapFlow. The connection itself is `imapflow-connection.ts`. */
import type { ImapFlow } from 'imapflow'
import { type MailLogin, secretOf } from '../../accounts/mail-login.ts'
import { probeAfter, supportsTls } from '../../accounts/tls-probe.ts'
import type { Address, OutboundGuard } from '../../platform/network/outbound-guard.ts'
import { Problem } from '../../platform/problem.ts'
import { ImapLines } from '../imap-lines.ts'
import type { ConnectOptions, MailConnection, MailGateway, MailPlace } from '../mail-gateway.ts'
import { AnswerBudget } from './imapflow-budget.ts'
import { ImapFlowConnection } from './imapflow-connection.ts'
import { IncomingTurns } from './imapflow-duplex.ts'
import { type FaultContext, type Finding, tooSlow, translateFault, wantsTls } from './imapflow-faults.ts'
import type { KeepingTimes } from './imapflow-kept-folder.ts'
import { listWithoutStatus, quoteWords, readSubscriptions, takeWholePaths } from './imapflow-names.ts'
import { greetingOf, ImapSocket } from './imapflow-socket.ts'
import { type WatchTimes, watchTimes } from './imapflow-watch.ts'

export interface ImapFlowGatewayOptions {
  /** Sent in the ID command (RFC 2971). */
  version?: string
  watching?: Partial<WatchTimes>
  /** How long folders are kept open before they are reopened. */
  keeping?: KeepingTimes
  /** Judges which addresses may be connected to; all may without it. */
  guard?: Pick<OutboundGuard, 'check'>
  /** Called for each unsolicited message row. */
  onRowDropped?: () => void
  /** Mailbox changes that a server may report unsolicited at once. */
  unaskedLines?: number
}

/** ImapFlow's own idle timeout; ours per command is shorter. */
const socketTimeoutMs = 10 * 60_000
/** Second line of defence: what passed the limiter is smaller. */
const maxLiteralSize = 1024 * 1024
const maxResponseSize = 16 * 1024 * 1024
/** After the limiter a FETCH row has some 15,000 tokens at most, and no other response as many. */
const maxResponseTokens = 100_000

export class ImapFlowGateway implements MailGateway {
  readonly #watching: WatchTimes
  readonly #keeping: KeepingTimes | undefined
  readonly #guard: ImapFlowGatewayOptions['guard']
  readonly #onRowDropped: ImapFlowGatewayOptions['onRowDropped']
  readonly #unaskedLines: number | undefined
  readonly #turns = new IncomingTurns()
  readonly #version: string

  constructor({ watching, keeping, version = '', ...rest }: ImapFlowGatewayOptions = {}) {
    this.#guard = rest.guard
    this.#unaskedLines = rest.unaskedLines
    this.#onRowDropped = rest.onRowDropped
    this.#version = version
    this.#keeping = keeping
    this.#watching = { ...watchTimes, ...watching }
  }

  async connect(
    login: MailLogin,
    { timeoutMs, signal, onTraffic, onLine, onCertificate }: ConnectOptions,
  ): Promise<MailConnection> {
    signal.throwIfAborted()
    const addresses = await this.#addressesOf({ ...login, password: secretOf(login) })
    const budget = new AnswerBudget(this.#unaskedLines)
    const lines = onLine && new ImapLines(onLine)
    const socket = new ImapSocket(this.#turns, budget, addresses, { onTraffic, lines, onCertificate })
    const client = await createClient(login, socket, timeoutMs, this.#version)
    quoteWords(client)
    listWithoutStatus(client)
    readSubscriptions(client)
    signal.throwIfAborted()
    const place = {
      host: login.host,
      port: login.port,
      password: secretOf(login),
      isToken: login.accessToken !== undefined,
    }
    const context = (): FaultContext => ({
      ...place,
      phase: socket.phase,
      tls: login.tls,
      offersStartTls: client.capabilities.has('STARTTLS'),
    })
    // Without a listener an error event would end the process; `connect` rejects with the same error.
    client.on('error', () => undefined)
    try {
      await withinTime(client, context, timeoutMs, signal, addresses)
    } catch (error) {
      client.close()
      signal.throwIfAborted()
      throw translateFault(error, context())
    }
    socket.welcome()
    takeWholePaths(client)
    const { host, port, password } = place
    return new ImapFlowConnection({
      client,
      timeoutMs,
      context: { host, port, password, phase: 'session' },
      watching: this.#watching,
      ...(this.#keeping ? { keeping: this.#keeping } : {}),
      onRowDropped: this.#onRowDropped,
      reported: budget,
    })
  }

  async probe({ host, port, tls }: MailPlace, { timeoutMs, signal }: ConnectOptions): Promise<void> {
    const addresses = await this.#addressesOf({ host, port, password: '' })
    const socket = new ImapSocket(this.#turns, new AnswerBudget(this.#unaskedLines), addresses)
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
  }: Pick<FaultContext, 'host' | 'port' | 'password'>): Promise<Address[] | undefined> {
    try {
      return await this.#guard?.check(host, port)
    } catch (error) {
      if (error instanceof Problem) throw new Problem(error.code, error.message, { ...error.extension, part: 'imap' })
      throw translateFault(error, { host, port, password, phase: 'connecting' })
    }
  }
}

async function createClient(
  login: MailLogin,
  transport: ImapSocket,
  timeoutMs: number,
  version: string,
): Promise<ImapFlow> {
  // Loaded with the first account, which saves the memory on servers without one.
  const { ImapFlow } = await import('imapflow')
  return new ImapFlow({
    host: login.host,
    port: login.port,
    secure: login.tls === 'implicit',
    doSTARTTLS: login.tls === 'starttls',
    // ImapFlow uses OAUTHBEARER (RFC 7628), else XOAUTH2, and never sends a token as a password.
    auth:
      login.accessToken === undefined
        ? { user: login.user, pass: login.password }
        : { user: login.user, accessToken: login.accessToken },
    transport,
    logger: false,
    // ImapFlow would send its own identification; empty fields are omitted.
    clientInfo: { name: 'RustyMail', version, vendor: 'RustyMail', 'support-url': '' },
    disableAutoIdle: true,
    // Expunged messages are then reported by UID: see `VanishedUids`.
    qresync: true,
    // It would be decompressed behind the limiter, which must read plaintext.
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

function problemOf({ code, detail, fault }: Finding): Problem {
  return new Problem(code, detail, { part: 'imap', ...(fault ? { fault } : {}) })
}

/** Bounds the steps together; ImapFlow bounds each one. */
async function withinTime(
  client: ImapFlow,
  context: () => FaultContext,
  timeoutMs: number,
  signal: AbortSignal,
  addresses: Address[] | undefined,
): Promise<void> {
  const { promise: ended, reject } = Promise.withResolvers<never>()
  const over = new AbortController()
  const probing = setTimeout(() => {
    const { host, port, phase, tls } = context()
    if (phase !== 'greeting' || tls === 'implicit') return
    const place = { host, port, addresses, signal: over.signal }
    // Never throws.
    void supportsTls(place).then(isTls => isTls && reject(problemOf(wantsTls(place))))
  }, probeAfter(timeoutMs))
  const timer = setTimeout(() => {
    reject(problemOf(tooSlow(context())))
  }, timeoutMs)
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    await Promise.race([client.connect(), ended])
  } finally {
    over.abort()
    clearTimeout(timer)
    clearTimeout(probing)
    signal.removeEventListener('abort', abort)
  }
}
