/**
 * Wraps senders so that each attempt is a span, with the server, the number of recipients and the reply code. No
 * addresses and no text are recorded.
 */
import { overridden } from '../platform/tracing/overridden.ts'
import type { Tracer } from '../platform/tracing/tracer.ts'
import { type MailSender, type MailSenders, NotSent, type SendOutcome } from './mail-sender.ts'

export function tracedSenders(senders: MailSenders, tracer: Tracer): MailSenders {
  return {
    open: (accountId, login, connections) => {
      let place: { host: string; port: number } | undefined
      const known = async (rejected?: string) => {
        const found = await login(rejected)
        place = found
        return found
      }
      const sender = senders.open(accountId, known, connections)
      return overridden(sender, (name, method) =>
        name === 'send' ? (...args) => traced(args as Parameters<MailSender['send']>, method) : undefined,
      )

      function traced(args: Parameters<MailSender['send']>, send: (...args: unknown[]) => unknown) {
        const [{ to }, , { sizeBytes }] = args
        const attributes = {
          'network.protocol.name': 'smtp',
          'rustymail.account.id': accountId,
          'rustymail.smtp.recipients': to.length,
          'rustymail.message.size': sizeBytes,
        }
        return tracer.trace('smtp send', { kind: 'client', attributes }, async span => {
          const tell = (response: string | null) => {
            const code = /^\d{3}/.exec(response ?? '')?.[0]
            span?.set({ 'server.address': place?.host, 'server.port': place?.port, 'rustymail.smtp.status': code })
          }
          try {
            const outcome = (await send(...args)) as SendOutcome
            tell(outcome.response)
            span?.set({ 'rustymail.smtp.refused': outcome.refused.length })
            return outcome
          } catch (error) {
            tell(error instanceof NotSent ? error.serverResponse : null)
            if (error instanceof NotSent) span?.end(/^\w{1,40}$/.test(error.code) ? error.code : 'not_sent')
            throw error
          }
        })
      }
    },
  }
}
