/**
 * Records the lines of an SMTP connection by way of nodemailer's log: commands and replies, without addresses, and
 * never credentials. Messages are not in it.
 */
import type SMTPConnection from 'nodemailer/lib/smtp-connection'
import type { LineListener } from '../accounts/protocol-log.ts'

/** Commands whose arguments carry no personal data. */
const openCommands = /^(EHLO|HELO|LHLO|STARTTLS|RSET|NOOP|QUIT|DATA|BDAT|VRFY)\b/i
const address = /[^\s<>:,;"'()]+@[^\s<>:,;"'()]+/g

export class SmtpLines {
  readonly #tell: LineListener
  /** Until the login is answered, nothing that the client sends is recorded. */
  #isLoggingIn = false

  constructor(tell: LineListener) {
    this.#tell = tell
  }

  sent(text: string): void {
    if (this.#isLoggingIn) return
    for (const line of linesOf(text)) {
      if (/^AUTH\b/i.test(line)) {
        this.#isLoggingIn = true
        return this.#tell(
          'client',
          `AUTH ${/^AUTH ([A-Z0-9-]{1,20})(?= |$)/i.exec(line)?.[1] ?? ''} …`.replace('  ', ' '),
        )
      }
      const [, sender] = /^(MAIL FROM|RCPT TO):/i.exec(line) ?? []
      if (sender !== undefined) this.#tell('client', `${sender.toUpperCase()}:<…>`)
      else this.#tell('client', openCommands.test(line) ? line : '…')
    }
  }

  received(text: string): void {
    for (const line of linesOf(text)) {
      // The challenge of a login.
      if (/^334/.test(line)) {
        this.#tell('server', '334 …')
        continue
      }
      if (/^[245]\d\d /.test(line)) this.#isLoggingIn = false
      this.#tell('server', line.replace(address, '[address]'))
    }
  }
}

/** Returns options for nodemailer that pass the lines of one connection to the listener. */
export function heardBy(tell: LineListener | undefined): Pick<SMTPConnection.Options, 'logger' | 'transactionLog'> {
  if (!tell) return {}
  const lines = new SmtpLines(tell)
  const ignore = () => undefined
  const debug = (entry: { tnx?: string }, text: unknown) => {
    if (entry.tnx === 'client') lines.sent(String(text))
    if (entry.tnx === 'server') lines.received(String(text))
  }
  const logger = { level: ignore, trace: ignore, debug, info: ignore, warn: ignore, error: ignore, fatal: ignore }
  // Only its methods are called; the type also demands those of another library.
  return { logger: logger as unknown as NonNullable<SMTPConnection.Options['logger']>, transactionLog: true }
}

function linesOf(text: string): string[] {
  return text.split(/\r?\n/).filter(line => line !== '')
}
