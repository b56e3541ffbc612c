/** ChatModel over Anthropic's Messages API. */
import { endpointOf } from '../base-urls.ts'
import { SdkChatModel, type SdkModelOptions } from './sdk-chat.ts'

export class AnthropicModel extends SdkChatModel {
  constructor(options: SdkModelOptions) {
    const { baseUrl, apiKey, model } = options.settings
    const endpoint = endpointOf('anthropic', baseUrl)
    super(options, {
      languageModel: async fetch => {
        const { createAnthropic } = await import('@ai-sdk/anthropic')
        return createAnthropic({ apiKey: apiKey ?? '', baseURL: endpoint.baseUrl, fetch })(model ?? '')
      },
      // An id from another provider may contain characters that Anthropic rejects.
      callId: id => id.replaceAll(/[^A-Za-z0-9_-]/g, '_') || 'call',
    })
  }
}
