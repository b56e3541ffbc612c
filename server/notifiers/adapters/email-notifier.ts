/**
 * Sends notices by e-mail, over the SMTP server of an account or a separate one. They bypass the outbox, so that a
 * failed notice does not count in its figures.
 */
import type { LoginSource } from '../../accounts/mail-login.ts'
import { type MailSenders, NotSent, UnknownDelivery } from '../../outbox/mail-sender.ts'
import { badInput, Problem } from '../../platform/problem.ts'
import { withoutSecrets } from '../notice-post.ts'
import { textOf } from '../notice-words.ts'
import type { NoticeMessage, NoticeOutcome, Notifier } from '../notifier.ts'
import type { TargetOf } from '../notifier-target.ts'

export interface EmailOptions {
  senders: MailSenders
  /** Returns the login of an account's SMTP server. @throws Problem while it cannot send. */
  loginOf(accountId: string, rejected?: string): ReturnType<LoginSource>
  /** Returns the address of an account; undefined if there is none. */
  addressOf(accountId: string): Promise<string | undefined>
  /** Returns true if a human froze sending from the account. */
  isStopped(accountId: string): boolean
  timeoutMs?: number
}

const defaultTimeoutMs = 30_000

export function emailNotifier(options: EmailOptions): Notifier<'email'> {
  const { senders, loginOf, addressOf, isStopped, timeoutMs = defaultTimeoutMs } = options
  return {
    kind: 'email',
    check: async ({ account_id: accountId }) => {
      if (accountId === null || (await addressOf(accountId)) !== undefined) return
      throw badInput('body.target.account_id', 'is not an account')
    },
    send: async (target, message, signal) => {
      const { account_id: accountId, smtp, to } = target
      if (accountId !== null && isStopped(accountId)) {
        return { kind: 'retry', status: null, said: 'A human stopped what this account sends.' }
      }
      const from = accountId === null ? target.from : await addressOf(accountId)
      if (!from) return { kind: 'refused', status: null, said: 'The account that sends it was deleted.' }
      const login: LoginSource = rejected =>
        accountId === null ? Promise.resolve(ownLogin(smtp)) : loginOf(accountId, rejected)
      const sender = senders.open(`notifier-${message.id}`, login, 1)
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
      try {
        const bytes = await bytesOf(message, from, to)
        const figures = { sizeBytes: bytes.length, envelopeId: message.id }
        const { response, refused } = await sender.send({ from, to }, inOnePiece(bytes), figures, bounded)
        const left = refused.map(({ email, response: words }) => ` ${email}: ${words}`).join('')
        return { kind: 'sent', status: statusOf(response), said: withoutSecrets(`${response}${left}`, []) }
      } catch (error) {
        return faultOf(error, smtp?.password)
      } finally {
        await sender.close()
      }
    },
  }
}

function ownLogin(smtp: TargetOf<'email'>['smtp']) {
  const { password, ...server } = smtp!
  return { ...server, password: password! }
}

function faultOf(error: unknown, password: string | undefined): NoticeOutcome {
  const secrets = password === undefined ? [] : [password]
  if (error instanceof UnknownDelivery) return { kind: 'retry', status: null, said: error.message }
  if (error instanceof NotSent) {
    const { message, serverResponse, refused } = error
    const words = [message, serverResponse ?? '', ...refused.map(({ email, response }) => `${email}: ${response}`)]
    const said = withoutSecrets(words.filter(text => text !== '').join(' '), secrets)
    // A wrong password may become right soon, but retrying too often locks the account.
    const isLater = error.isTemporary && error.code !== 'mail_login_refused' && error.code !== 'address_refused'
    return { kind: isLater ? 'retry' : 'refused', status: statusOf(serverResponse ?? ''), said }
  }
  if (error instanceof Problem) return { kind: 'refused', status: null, said: error.message }
  throw error
}

function statusOf(response: string): number | null {
  const [status] = /^\d{3}/.exec(response) ?? []
  return status === undefined ? null : Number(status)
}

async function bytesOf(message: NoticeMessage, from: string, to: readonly string[]): Promise<Buffer> {
  const { id, title, at, link } = message
  // Loaded on demand, since most servers send no notices.
  const { writeMessage } = await import('../../drafts/write-message.ts')
  const host = from.split('@')[1] ?? 'localhost'
  const stream = writeMessage({
    from: { email: from, name: 'RustyMail' },
    replyTo: [],
    to: to.map(email => ({ email, name: null })),
    cc: [],
    subject: title,
    date: at,
    // The same at each attempt, so that duplicates are recognised.
    messageId: `<notice-${id}@${host.replaceAll(/[^A-Za-z0-9.-]/g, '-')}>`,
    ...{ inReplyTo: null, references: [], boundary: id, html: null, attachments: [] },
    text: `${textOf(message)}\n\nOpen RustyMail: ${link}\n`,
  })
  // Suppresses vacation replies and other automatic responses (RFC 3834).
  const chunks = [Buffer.from('Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\n')]
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function* inOnePiece(bytes: Buffer) {
  yield bytes
}
