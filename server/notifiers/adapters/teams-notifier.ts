/** Sends notices to a channel or chat of Microsoft Teams by the webhook of a workflow, as an Adaptive Card. */
import type { NoticePost } from '../notice-post.ts'
import { cut } from '../notice-words.ts'
import type { NoticeMessage, Notifier } from '../notifier.ts'
import { secretsIn } from '../notifier-target.ts'

/** Upper bound of characters per line, since a card of more than 28 KB is refused. */
const mostCharacters = 500

export function teamsNotifier(post: NoticePost): Notifier<'teams'> {
  return {
    kind: 'teams',
    check: ({ url }) => post.check(url, 'url'),
    send: (target, message, signal) => {
      const content = cardOf(message)
      const contentType = 'application/vnd.microsoft.card.adaptive'
      const body = JSON.stringify({ type: 'message', attachments: [{ contentType, contentUrl: null, content }] })
      return post.send({ url: target.url, body, secrets: secretsIn(target) }, signal)
    },
  }
}

function cardOf({ title, lines, severity, isOver, link }: NoticeMessage) {
  const colour = isOver ? 'Good' : severity === 'critical' ? 'Attention' : severity === 'warning' ? 'Warning' : 'Accent'
  const text = (words: string, more: object = {}) => ({
    type: 'TextBlock',
    text: cut(escaped(words), mostCharacters),
    wrap: true,
    ...more,
  })
  return {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    msteams: { width: 'Full' },
    body: [
      text(title, { weight: 'Bolder', size: 'Medium', color: colour }),
      ...lines.map(line => text(line, { spacing: 'Small' })),
    ],
    actions: [{ type: 'Action.OpenUrl', title: 'Open RustyMail', url: link }],
  }
}

/** Escapes Markdown, some of which a text block supports. */
function escaped(text: string): string {
  return text.replaceAll(/[\\*_`[\]()#>-]/g, '\\$&')
}
