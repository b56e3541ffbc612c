/** Sends notices to a topic of an ntfy server, published as JSON: https://docs.ntfy.sh/publish/#publish-as-json */
import { jsonOf, type NoticePost } from '../notice-post.ts'
import { cut, plainly } from '../notice-words.ts'
import type { NoticeMessage, Notifier } from '../notifier.ts'
import { secretsIn } from '../notifier-target.ts'

/** Priorities from 1 to 5; a notice about the end makes no sound. */
const priorities = { info: 3, warning: 4, critical: 5 } as const
/** Longer messages become attachments there. */
const mostCharacters = 1_000

export function ntfyNotifier(post: NoticePost): Notifier<'ntfy'> {
  return {
    kind: 'ntfy',
    check: ({ server }) => post.check(server, 'server'),
    send: (target, message, signal) => {
      const { server, topic, token = '' } = target
      const headers = token === '' ? {} : { authorization: `Bearer ${token}` }
      const body = JSON.stringify({ topic, ...contentOf(message) })
      return post.send({ url: server, body, headers, secrets: secretsIn(target), read: errorOf }, signal)
    },
  }
}

function contentOf({ title, lines, severity, isOver, link }: NoticeMessage) {
  return {
    title: cut(plainly(title), 200),
    message: cut(plainly(lines.join('\n')), mostCharacters),
    priority: isOver ? 2 : priorities[severity],
    tags: [isOver ? 'white_check_mark' : severity === 'critical' ? 'rotating_light' : 'warning'],
    click: link,
  }
}

/** Parses `{"code":42901,"http":429,"error":"limit reached"}`. */
function errorOf(text: string) {
  const { error } = jsonOf(text)
  return typeof error === 'string' ? { said: error } : undefined
}
