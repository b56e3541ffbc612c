/**
 * ChatModel over OpenAI's chat completions, which many other companies and local servers support too; Azure uses other
 * paths.
 */
import { endpointOf } from '../base-urls.ts'
import { SdkChatModel, type SdkModelOptions } from './sdk-chat.ts'

export class OpenAiModel extends SdkChatModel {
  constructor(options: SdkModelOptions) {
    const { kind, name, baseUrl, apiKey, model } = options.settings
    const endpoint = endpointOf(kind, baseUrl)
    const chosen = endpoint.model ?? model ?? ''
    super(
      { ...options, settings: { ...options.settings, model: chosen } },
      {
        languageModel: async fetch => {
          const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible')
          const isAzure = kind === 'azure'
          const isDated = endpoint.baseUrl.endsWith('/openai/deployments')
          const provider = createOpenAICompatible({
            name,
            baseURL: isDated ? `${endpoint.baseUrl}/${encodeURIComponent(chosen)}` : endpoint.baseUrl,
            ...(apiKey === undefined ? {} : isAzure ? { headers: { 'api-key': apiKey } } : { apiKey }),
            ...(endpoint.query === undefined ? {} : { queryParams: endpoint.query }),
            includeUsage: true,
            fetch,
            ...(isAzure || isOwn(endpoint.baseUrl) ? { transformRequestBody: withNewBound } : {}),
          })
          return provider.chatModel(chosen)
        },
      },
    )
  }
}

function isOwn(baseUrl: string): boolean {
  return new URL(baseUrl).hostname === 'api.openai.com'
}

/** Renames the token limit: OpenAI's newer models reject the old name, which many other servers require. */
function withNewBound({ max_tokens, ...body }: Record<string, unknown>): Record<string, unknown> {
  return max_tokens === undefined ? body : { ...body, max_completion_tokens: max_tokens }
}
