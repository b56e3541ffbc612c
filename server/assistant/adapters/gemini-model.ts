/** ChatModel over Gemini's streamGenerateContent. */
import { endpointOf } from '../base-urls.ts'
import { SdkChatModel, type SdkModelOptions } from './sdk-chat.ts'

export class GeminiModel extends SdkChatModel {
  constructor(options: SdkModelOptions) {
    const { baseUrl, apiKey, model } = options.settings
    const endpoint = endpointOf('gemini', baseUrl)
    super(options, {
      languageModel: async fetch => {
        const { createGoogle } = await import('@ai-sdk/google')
        return createGoogle({ apiKey: apiKey ?? '', baseURL: endpoint.baseUrl, fetch })(model ?? '')
      },
    })
  }
}
