/** ChatModel over Mistral's chat completions. */
import { createHash } from 'node:crypto'
import { endpointOf } from '../base-urls.ts'
import { SdkChatModel, type SdkModelOptions } from './sdk-chat.ts'

export class MistralModel extends SdkChatModel {
  constructor(options: SdkModelOptions) {
    const { baseUrl, apiKey, model } = options.settings
    const endpoint = endpointOf('mistral', baseUrl)
    super(options, {
      languageModel: async fetch => {
        const { createMistral } = await import('@ai-sdk/mistral')
        return createMistral({ apiKey: apiKey ?? '', baseURL: endpoint.baseUrl, fetch })(model ?? '')
      },
      callId: nineCharacters,
    })
  }
}

/** Returns an id that Mistral accepts; an id of another provider always maps to the same one. */
function nineCharacters(id: string): string {
  return /^[A-Za-z0-9]{9}$/.test(id) ? id : createHash('sha256').update(id).digest('hex').slice(0, 9)
}
