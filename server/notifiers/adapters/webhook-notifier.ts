/** Sends notices to a program by a request signed as in Standard Webhooks. */
import { signerOf } from '../../webhooks/webhook-signer.ts'
import type { NoticePost } from '../notice-post.ts'
import type { Notifier } from '../notifier.ts'
import { secretsIn } from '../notifier-target.ts'

export function webhookNotifier(post: NoticePost): Notifier<'webhook'> {
  return {
    kind: 'webhook',
    check: ({ url }) => post.check(url, 'url'),
    send: async (target, { id, at, title, lines, severity, isOver, isTest, link, alerts, others }, signal) => {
      const { url, secret } = target
      const body = JSON.stringify({
        type: isTest ? 'test' : 'alert.notice',
        timestamp: at.toISOString(),
        data: { title, lines, severity, is_over: isOver, link, alerts, others },
      })
      const sign = await signerOf([secret])
      return post.send(
        { url, body, headers: sign(`notice_${id}`, new Date(), body), secrets: secretsIn(target) },
        signal,
      )
    },
  }
}
