/** A throw-away mail account on loopback, IMAP and SMTP, with believable mail in it, for trying RustyMail. */
import { randomBytes } from 'node:crypto'
import { LoopbackImap } from './loopback-imap.ts'
import { LoopbackSmtp } from './loopback-smtp.ts'
import { arrival } from './seed-arrivals.ts'
import { base64Lines, byHand, dateHeader, render } from './seed-mail.ts'
import { seedMailbox } from './seed-mailbox.ts'
import { owner } from './seed-people.ts'
import { Random } from './seed-random.ts'

/** Addresses and credentials of the account; neither server speaks TLS. */
export interface SandboxAccess {
  host: '127.0.0.1'
  imapPort: number
  smtpPort: number
  user: string
  password: string
  email: string
}

/** A message for INBOX: raw bytes (RFC 5322), or a plain text for which the remaining headers are generated. */
export type SandboxMail = Uint8Array | string | { from?: string; subject: string; text: string }

/** The part of a logger that the sandbox uses. */
export interface SandboxLogger {
  warn(facts: object, message: string): void
}

export interface SandboxOptions {
  /** Seed of the generated mail; the same seed gives the same mail. */
  seed?: number
  /**
   * UIDVALIDITY of all folders; the current second unless given, so that clients discard UIDs cached from an earlier
   * mailbox.
   */
  uidValidity?: number
  /** Mean interval between generated arrivals; no mail arrives if undefined. */
  newMailEveryMs?: number | undefined
  logger?: SandboxLogger
}

interface Running {
  access: SandboxAccess
  imap: LoopbackImap
  smtp: LoopbackSmtp
  ending: AbortController
}

export class SandboxServer {
  readonly #options: SandboxOptions
  #opening: Promise<Running> | undefined
  #imap: LoopbackImap | undefined

  constructor(options: SandboxOptions = {}) {
    this.#options = options
  }

  /**
   * Fills a new mailbox and opens both ports. May be called again after `stop`.
   * @throws If it is already running.
   */
  async start(): Promise<SandboxAccess> {
    if (this.#opening) throw new Error('the sandbox is already running')
    this.#opening = this.#open()
    try {
      const { access, imap } = await this.#opening
      this.#imap = imap
      return access
    } catch (error) {
      this.#opening = undefined
      throw error
    }
  }

  /**
   * Delivers a message to INBOX and notifies clients in IDLE.
   * @throws If the sandbox is not running or the message cannot be parsed as mail.
   */
  deliver(message: SandboxMail): void {
    if (!this.#imap) throw new Error('the sandbox is not running')
    this.#imap.append('INBOX', toBytes(message), [], new Date())
  }

  /** Drops all connections, closes the ports and discards the mail. */
  async stop(): Promise<void> {
    const running = await this.#opening?.catch(() => undefined)
    this.#opening = undefined
    this.#imap = undefined
    running?.ending.abort()
    await Promise.all([running?.imap.stop(), running?.smtp.stop()])
  }

  async #open(): Promise<Running> {
    const now = new Date()
    const user = owner.address
    const password = randomBytes(18).toString('base64url')
    const seed = this.#options.seed ?? 1
    const uidValidity = this.#options.uidValidity ?? Math.floor(now.getTime() / 1000)
    const imap = new LoopbackImap({ user, password, folders: await seedMailbox({ seed, now }), uidValidity })
    const smtp = new LoopbackSmtp({
      user,
      password,
      accept: raw => {
        imap.append('INBOX', raw, [], new Date())
        imap.append('Sent', raw, ['\\Seen'], new Date())
      },
    })
    const imapPort = await imap.start()
    const smtpPort = await smtp.start().catch(async (error: unknown) => {
      await imap.stop()
      throw error
    })
    const ending = new AbortController()
    if (this.#options.newMailEveryMs) {
      this.#expectMail(imap, new Random(seed + 1), this.#options.newMailEveryMs, ending.signal)
    }
    const access: SandboxAccess = { host: '127.0.0.1', imapPort, smtpPort, user, password, email: owner.address }
    return { access, imap, smtp, ending }
  }

  /** Delivers a letter after 0.5 to 1.5 times the mean interval, and repeats until the signal is aborted. */
  #expectMail(imap: LoopbackImap, random: Random, meanMs: number, signal: AbortSignal, count = 0): void {
    const bring = async () => {
      const letter = arrival(random, count, new Date())
      const raw = await render(letter)
      if (signal.aborted) return
      imap.append('INBOX', raw, [], letter.at)
      this.#expectMail(imap, random, meanMs, signal, count + 1)
    }
    const timer = setTimeout(
      () => {
        signal.removeEventListener('abort', forget)
        bring().catch(error => this.#options.logger?.warn({ err: error }, 'the sandbox stopped generating mail'))
      },
      meanMs * (0.5 + random.next()),
    )
    const forget = () => clearTimeout(timer)
    signal.addEventListener('abort', forget, { once: true })
  }
}

function toBytes(message: SandboxMail): Buffer {
  if (typeof message === 'string') return Buffer.from(message)
  if (message instanceof Uint8Array) return Buffer.from(message)
  const at = new Date()
  const subject = `=?UTF-8?B?${Buffer.from(message.subject).toString('base64')}?=`
  return byHand(
    [
      dateHeader(at),
      `From: ${message.from ?? 'Noor Haddad <noor@northlight.example>'}`,
      `To: ${owner.name} <${owner.address}>`,
      `Subject: ${subject}`,
      `Message-ID: <${randomBytes(12).toString('hex')}@northlight.example>`,
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: base64',
    ],
    base64Lines(Buffer.from(message.text)),
  )
}
