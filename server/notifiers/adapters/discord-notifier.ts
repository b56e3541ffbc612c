/** Sends notices to a Discord channel by a webhook. */
import { jsonOf, type NoticePost } from '../notice-post.ts'
import { cut } from '../notice-words.ts'
import type { Notifier } from '../notifier.ts'
import { secretsIn } from '../notifier-target.ts'

const colours = { info: 0x2563eb, warning: 0xd97706, critical: 0xdc2626 } as const
const overColour = 0x16a34a

export function discordNotifier(post: NoticePost): Notifier<'discord'> {
  return {
    kind: 'discord',
    check: ({ url }) => post.check(url, 'url'),
    send: (target, { title, lines, severity, isOver, link, at }, signal) => {
      const url = new URL(target.url)
      // Makes Discord report faults in the response.
      url.searchParams.set('wait', 'true')
      const embed = {
        title: cut(escaped(title), 256),
        description: cut(lines.map(escaped).join('\n'), 4_000),
        url: link,
        color: isOver ? overColour : colours[severity],
        timestamp: at.toISOString(),
      }
      const body = JSON.stringify({ embeds: [embed], allowed_mentions: { parse: [] } })
      return post.send({ url: url.href, body, secrets: secretsIn(target), read }, signal)
    },
  }
}

/**
 * Parses `{"message":"You are being rate limited.","retry_after":0.5,"global":false}`; for an accepted message only its
 * id.
 */
function read(text: string) {
  const { message, retry_after: seconds, id } = jsonOf(text)
  if (typeof id === 'string') return { said: `message ${id}` }
  return {
    ...(typeof message === 'string' && { said: message }),
    ...(typeof seconds === 'number' && seconds >= 0 && { afterMs: Math.ceil(seconds * 1_000) }),
  }
}

/** Escapes Discord's markup. */
function escaped(text: string): string {
  return text.replaceAll(/[\\*_~`|>#[\]()<:-]/g, '\\$&')
}
