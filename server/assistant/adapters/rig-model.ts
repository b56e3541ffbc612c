/**
 * ChatModel over a RIG service: POST `{query}` returns `{response}` without streaming. It accepts one question, so it
 * gets the last one.
 */
import { z } from 'zod'
import { endpointOf } from '../base-urls.ts'
import type { ChatModel, ChatRequest, Part } from '../chat-model.ts'
import { type ModelSettings, modelFacts } from '../model-settings.ts'
import { ProviderFaults } from '../provider-faults.ts'
import { providerFetch } from '../provider-fetch.ts'

const Answer = z.object({ response: z.string() })
const maxAnswerBytes = 2 * 1024 * 1024

export class RigModel implements ChatModel {
  readonly id: string
  readonly provider: string
  readonly model = null
  readonly isLocal: boolean
  readonly contextTokens: number
  readonly takesTools = false
  readonly answersWhole = true
  readonly #url: URL
  readonly #headers: Record<string, string>
  readonly #faults: ProviderFaults
  readonly #fetch: typeof fetch

  /**
   * @param options.settings User and password in its URL are sent as Basic authorization (RFC 7617), a key as a bearer
   * token.
   */
  constructor({ settings, fetch }: { settings: ModelSettings; fetch?: typeof globalThis.fetch | undefined }) {
    const { id, provider, isLocal, contextTokens } = modelFacts(settings)
    this.id = id
    this.provider = provider
    this.isLocal = isLocal
    this.contextTokens = contextTokens
    this.#fetch = providerFetch(maxAnswerBytes, fetch)
    this.#url = new URL(endpointOf('rig', settings.baseUrl).baseUrl)
    const user = decodeURIComponent(this.#url.username)
    const password = decodeURIComponent(this.#url.password)
    const basic = Buffer.from(`${user}:${password}`).toString('base64')
    this.#url.username = ''
    this.#url.password = ''
    const key = settings.apiKey ?? ''
    this.#headers = {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(key !== '' ? { authorization: `Bearer ${key}` } : {}),
      ...(user || password ? { authorization: `Basic ${basic}` } : {}),
    }
    this.#faults = new ProviderFaults(this.provider, [password, basic, key, ...this.#url.searchParams.values()])
  }

  async *stream({ messages, signal }: ChatRequest): AsyncGenerator<Part> {
    const query = messages.findLast(message => message.role === 'user')?.content ?? ''
    yield { type: 'text_delta', text: await this.#ask(query, signal) }
    yield { type: 'finish', usage: null, reason: 'stop' }
  }

  async #ask(query: string, signal: AbortSignal): Promise<string> {
    try {
      const body = JSON.stringify({ query })
      const response = await this.#fetch(this.#url, { method: 'POST', headers: this.#headers, body, signal })
      const text = await response.text()
      if (!response.ok) throw this.#faults.refused(response.status, text, response.headers.get('retry-after'))
      return Answer.parse(JSON.parse(text)).response
    } catch (error) {
      throw this.#faults.of(error, signal)
    }
  }
}
