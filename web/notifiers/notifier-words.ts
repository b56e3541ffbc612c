/** The kinds of notifiers with their targets and the texts of their forms. */
import type { Notifier, NotifierKind } from '../../contract/notifiers.ts'

export const kindNames: Record<NotifierKind, string> = {
  email: 'Email',
  ntfy: 'ntfy',
  slack: 'Slack',
  discord: 'Discord',
  teams: 'Microsoft Teams',
  telegram: 'Telegram',
  web_push: 'Web Push',
  webhook: 'Webhook',
}

export const kinds = Object.keys(kindNames) as NotifierKind[]

interface FieldWords {
  name: string
  label: string
  hint: string
  isSecret?: boolean
  isOptional?: boolean
  placeholder?: string
}

const url = { name: 'url', label: 'Address', isSecret: true }

/** Fields in form order. Mail and Web Push have forms of their own. */
export const fieldsOfKind: Partial<Record<NotifierKind, readonly FieldWords[]>> = {
  slack: [
    {
      ...url,
      hint: 'In Slack: Apps, Incoming Webhooks, Add to a channel; then copy its address. Mattermost and Rocket.Chat take the same.',
      placeholder: 'https://hooks.slack.com/services/…',
    },
  ],
  discord: [
    {
      ...url,
      hint: 'In Discord: Edit channel, Integrations, Webhooks, New webhook, Copy the address.',
      placeholder: 'https://discord.com/api/webhooks/…',
    },
  ],
  teams: [
    {
      ...url,
      hint: 'In Teams: Workflows of the channel, “When a Teams webhook request is received”; then copy its address.',
      placeholder: 'https://….logic.azure.com/workflows/…',
    },
  ],
  ntfy: [
    {
      name: 'server',
      label: 'Server',
      hint: 'The address of your own server, if you host ntfy yourself.',
      placeholder: 'https://ntfy.sh',
    },
    {
      name: 'topic',
      label: 'Topic',
      hint: 'Anyone who knows it can read along: choose one that cannot be guessed.',
      isSecret: true,
    },
    {
      ...{ name: 'token', label: 'Access token', isSecret: true, isOptional: true },
      hint: 'Needed if the topic is protected.',
    },
  ],
  telegram: [
    {
      ...{ name: 'bot_token', label: 'Bot token', isSecret: true, placeholder: '123456:ABC-DEF…' },
      hint: 'Write to @BotFather, /newbot; it answers with the token.',
    },
    {
      ...{ name: 'chat_id', label: 'Chat', placeholder: '-1001234567890' },
      hint: 'Add the bot to the chat first. A number, or @name of a channel.',
    },
    {
      ...{ name: 'server', label: 'Server', isOptional: true, placeholder: 'https://api.telegram.org' },
      hint: 'Only if you host the Bot API yourself.',
    },
  ],
  webhook: [
    {
      ...url,
      hint: 'Your program gets a request that is signed as Standard Webhooks describes.',
      placeholder: 'https://',
    },
    {
      ...{ name: 'secret', label: 'Signing secret', isSecret: true, isOptional: true, placeholder: 'whsec_…' },
      hint: 'If empty, one is created and shown once.',
    },
  ],
}

export function placeOf({ target }: Notifier, accountName: (id: string) => string): string {
  switch (target.kind) {
    case 'email': {
      const by = target.account_id === null ? (target.smtp?.host ?? '') : accountName(target.account_id)
      return `${target.to.join(', ')} by ${by}`
    }
    case 'ntfy':
      return target.server.replace(/^https?:\/\//, '')
    case 'telegram':
      return `chat ${target.chat_id}`
    case 'web_push':
      return target.user_ids.length === 1 ? 'the browsers of 1 user' : `the browsers of ${target.user_ids.length} users`
    default:
      return target.host
  }
}
