/** Base addresses of providers, in each form in which they are documented or used: all lead to where the chat completions are. */

export type Company = 'openai' | 'openrouter' | 'anthropic' | 'gemini' | 'ollama'

interface Places {
  /** The company's own address. */
  own: string
  /** Paths that are another API of theirs, or the way to it, and where the completions are instead. */
  paths: Readonly<Record<string, string>>
}

const places: Readonly<Record<Company, Places>> = {
  openai: { own: 'https://api.openai.com/v1', paths: { '/': '/v1' } },
  openrouter: { own: 'https://openrouter.ai/api/v1', paths: { '/': '/api/v1', '/api': '/api/v1' } },
  // Its own SDK takes the bare address, and the one of OpenAI takes /v1.
  anthropic: { own: 'https://api.anthropic.com/v1', paths: { '/': '/v1', '/v1/messages': '/v1' } },
  gemini: {
    own: 'https://generativelanguage.googleapis.com/v1beta/openai',
    paths: { '/': '/v1beta/openai', '/v1beta': '/v1beta/openai', '/v1': '/v1beta/openai' },
  },
  // It prints its bare address, its own API is at /api, and the completions at /v1.
  ollama: { own: 'http://127.0.0.1:11434/v1', paths: { '/': '/v1', '/api': '/v1', '/api/chat': '/v1' } },
}

/**
 * Without `/chat/completions` and without a slash at its end.
 * @param given With or without the version; a path that is not the company's stays, as those of gateways do.
 */
export function baseUrlOf(company: Company, given: string | undefined): string {
  const { own, paths } = places[company]
  if (given === undefined) return own
  const url = new URL(given)
  const path = url.pathname.replace(/\/+$/, '').replace(/\/chat\/completions$/, '') || '/'
  url.pathname = Object.hasOwn(paths, path) ? paths[path]! : path
  return url.href.replace(/\/$/, '')
}
