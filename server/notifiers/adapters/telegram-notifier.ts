/** Sends notices to a Telegram chat by a bot: https://core.telegram.org/bots/api#sendmessage */
import { jsonOf, type NoticePost } from '../notice-post.ts'
import { cut, plainly, textOf } from '../notice-words.ts'
import type { Notifier } from '../notifier.ts'
import { secretsIn } from '../notifier-target.ts'

/** Upper bound of characters, out of the 4,096 allowed; the link is appended. */
const mostCharacters = 3_500

export function telegramNotifier(post: NoticePost): Notifier<'telegram'> {
  return {
    kind: 'telegram',
    check: ({ server }) => post.check(server, 'server'),
    send: (target, message, signal) => {
      const { server, bot_token: token, chat_id } = target
      const url = `${server.replace(/\/+$/, '')}/bot${token}/sendMessage`
      const text = `${cut(plainly(textOf(message)), mostCharacters)}\n\n${message.link}`
      const disable_notification = message.isOver
      const body = JSON.stringify({ chat_id, text, disable_notification, link_preview_options: { is_disabled: true } })
      return post.send({ url, body, secrets: secretsIn(target), read }, signal)
    },
  }
}

/**
 * Parses `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after
 * 5","parameters":{"retry_after":5}}`.
 */
function read(text: string) {
  const { ok, description, parameters, result } = jsonOf(text)
  if (ok === true) {
    const { message_id: id } = (result ?? {}) as { message_id?: unknown }
    return { said: typeof id === 'number' ? `message ${id}` : 'ok' }
  }
  const { retry_after: seconds } = (parameters ?? {}) as { retry_after?: unknown }
  return {
    ...(typeof description === 'string' && { said: description }),
    ...(typeof seconds === 'number' && seconds >= 0 && { afterMs: seconds * 1_000 }),
  }
}
