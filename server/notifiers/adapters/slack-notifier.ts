/** Sends notices to a channel of Slack, or of compatible services (Mattermost, Rocket.Chat), by an incoming webhook. */
import type { NoticePost } from '../notice-post.ts'
import { cut, plainly, textOf } from '../notice-words.ts'
import type { Notifier } from '../notifier.ts'
import { secretsIn } from '../notifier-target.ts'

/** Upper bound of characters, far below Slack's 40,000, which nobody reads. */
const mostCharacters = 3_000

export function slackNotifier(post: NoticePost): Notifier<'slack'> {
  return {
    kind: 'slack',
    check: ({ url }) => post.check(url, 'url'),
    send: (target, message, signal) => {
      const text = `${escaped(cut(textOf(message), mostCharacters))}\n<${message.link}|Open RustyMail>`
      // Without markup, so that a name with asterisks is shown literally.
      const body = JSON.stringify({ text, mrkdwn: false, unfurl_links: false })
      return post.send({ url: target.url, body, secrets: secretsIn(target) }, signal)
    },
  }
}

/**
 * Escapes links and mentions: `<!channel>` in Slack; `[text](https://…)` and images in the others, which ignore
 * `mrkdwn`.
 */
function escaped(text: string): string {
  const plain = plainly(text).replaceAll(/\](?=[([])/g, '$&\u200b')
  return plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
