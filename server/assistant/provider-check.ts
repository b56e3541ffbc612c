/** Validates the settings of a provider that a user entered; faults name the field. */
import { isIP } from 'node:net'
import type { ProviderBody } from '../../contract/model-provider.ts'
import { judgeAddress } from '../platform/network/outbound-rules.ts'
import { badInput, type InputPath } from '../platform/problem.ts'
import { BaseUrlFault, endpointOf, isOfCompany } from './base-urls.ts'

/** Kinds of providers that always require a key. */
const withKey = new Set(['openai', 'openrouter', 'anthropic', 'gemini', 'mistral', 'azure'])

export function checkProvider(body: Omit<ProviderBody, 'api_key'>, hasKey: boolean, at: InputPath = 'body'): void {
  const { kind, base_url, model, is_local } = body
  const endpoint = endpointIn(body, at)
  const url = new URL(endpoint.baseUrl)
  if (url.protocol === 'http:' && !isInnerHost(url.hostname)) {
    throw badInput(
      `${at}.base_url`,
      `Use https: http would send the key and the questions to ${url.hostname} in the clear.`,
    )
  }
  if (kind === 'rig' && base_url !== null && (url.username !== '' || url.password !== '')) {
    throw badInput(
      `${at}.base_url`,
      'Leave the user and the password out of the address; the key is sent as a bearer token.',
    )
  }
  if (kind !== 'rig' && (endpoint.model ?? model ?? '') === '') {
    throw badInput(`${at}.model`, kind === 'azure' ? 'Give the name of the deployment.' : 'Choose a model.')
  }
  if (withKey.has(kind) && !hasKey) throw badInput(`${at}.api_key`, 'This kind of provider needs a key.')
  if (is_local && isOfCompany(url.hostname)) {
    throw badInput(`${at}.is_local`, `${url.hostname} is neither on this machine nor in your own network.`)
  }
}

export function endpointIn({ kind, base_url }: Pick<ProviderBody, 'kind' | 'base_url'>, at: InputPath = 'body') {
  try {
    return endpointOf(kind, base_url)
  } catch (error) {
    if (error instanceof BaseUrlFault) throw badInput(`${at}.base_url`, error.message)
    throw error
  }
}

/** Judges by form only: where a name resolves to is checked at each request. */
function isInnerHost(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase()
  if (isIP(name) > 0) return judgeAddress(name) === 'inner'
  return !name.includes('.') || /\.(localhost|local|internal|lan|home\.arpa|intranet)$/.test(name)
}
