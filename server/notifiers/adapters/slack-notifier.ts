/** Tells a channel of Slack, or of what takes the same (Mattermost, Rocket.Chat), by an incoming webhook. */
import type { NoticePost } from '../notice-post.ts'
import { cut, plainly, textOf } from '../notice-words.ts'
import type { Notifier } from '../notifier.ts'
import { secretsIn } from '../notifier-target.ts'

/** Slack cuts a text of 40,000 characters; nobody reads as many. */
const mostCharacters = 3_000

export function slackNotifier(post: NoticePost): Notifier<'slack'> {
  return {
    kind: 'slack',
    check: ({ url }) => post.check(url, 'url'),
    send: (target, message, signal) => {
      const text = `${escaped(cut(textOf(message), mostCharacters))}\n<${message.link}|Open RustyMail>`
      // Without markup: a name with stars in it is shown as it is.
      const body = JSON.stringify({ text, mrkdwn: false, unfurl_links: false })
      return post.send({ url: target.url, body, secrets: secretsIn(target) }, signal)
    },
  }
}

/** What would be a link or a mention: `<!channel>` with Slack; `[text](https://…)` and pictures with the others, which know no `mrkdwn`. */
function escaped(text: string): string {
  const plain = plainly(text).replaceAll(/\](?=[([])/g, '$&\u200b')
  return plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
