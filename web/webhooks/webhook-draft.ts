/** The form of a webhook as text, and its validation. */
import { type FactType, factTypes } from '../../contract/event.ts'
import type { Faults } from '../ui/use-form.ts'

export type WebhookField = 'name' | 'url' | 'token_id' | 'types' | 'query' | 'order'

/** @returns The listed types, known or not. */
export function typesIn(text: string): FactType[] {
  return [...new Set(text.split(/[\s,;]+/))].filter(type => type !== '') as FactType[]
}

export function checkWebhook({ name, url, types }: Record<WebhookField, string>): Faults<WebhookField> {
  const address = urlFault(url.trim())
  const unknown = typesIn(types).filter(type => !factTypes.includes(type))
  return {
    ...(name.trim() === '' && { name: 'Enter a name.' }),
    ...(address !== undefined && { url: address }),
    ...(unknown.length > 0 && { types: `There is no event called ${unknown.join(', ')}.` }),
  }
}

function urlFault(text: string): string | undefined {
  if (text === '' || text === 'https://') return 'Enter the address of your program.'
  if (!/^https:\/\//i.test(text)) return 'The address must begin with https://.'
  return URL.canParse(text) ? undefined : 'This is not a complete address, such as https://example.com/hooks/mail.'
}
