/** Normalises base URLs of providers: every documented or commonly used form leads to where questions are sent. */
import type { ProviderKind } from '../../contract/model-provider.ts'

/** Thrown with a readable message for a URL that this provider cannot have. */
export class BaseUrlFault extends Error {}

export interface Endpoint {
  /** The base URL without a trailing slash. */
  baseUrl: string
  /** The query parameters of each request. */
  query?: Record<string, string>
  /** The model, if the URL itself names it, as Azure's do. */
  model?: string
}

interface Places {
  /** The company's own URL. */
  own?: string
  /** Suffixes that people copy along with the base. */
  tails: RegExp
  /** Paths of another API, or on the way to it, with the path that takes questions. */
  paths: Readonly<Record<string, string>>
  /** A suffix that is added to the path of a gateway without it. */
  ending?: string
}

const completions = /\/(chat\/completions|completions|responses|embeddings|models)$/

const places: Readonly<Record<Exclude<ProviderKind, 'rig' | 'azure'>, Places>> = {
  openai: { own: 'https://api.openai.com/v1', tails: completions, paths: { '/': '/v1' } },
  openrouter: {
    own: 'https://openrouter.ai/api/v1',
    tails: completions,
    paths: { '/': '/api/v1', '/api': '/api/v1', '/v1': '/api/v1' },
  },
  // Anthropic's own variable contains the URL without /v1, also that of a gateway.
  anthropic: {
    own: 'https://api.anthropic.com/v1',
    tails: /\/(messages|models|complete|chat\/completions)$/,
    paths: { '/': '/v1' },
    ending: '/v1',
  },
  gemini: {
    own: 'https://generativelanguage.googleapis.com/v1beta',
    tails: /\/(models(\/[^/]+)?|chat\/completions)$/,
    paths: {
      '/': '/v1beta',
      '/v1': '/v1beta',
      '/v1beta/openai': '/v1beta',
      '/openai': '/v1beta',
    },
  },
  mistral: { own: 'https://api.mistral.ai/v1', tails: completions, paths: { '/': '/v1' } },
  // Ollama prints its bare URL; its own API is at /api, the completions at /v1.
  ollama: {
    own: 'http://127.0.0.1:11434/v1',
    tails: /\/(chat\/completions|models)$/,
    paths: { '/': '/v1', '/api': '/v1', '/api/chat': '/v1', '/api/generate': '/v1', '/api/tags': '/v1' },
  },
  openai_compatible: { tails: completions, paths: { '/': '/v1' } },
}

/** Hosts of web sites for people, where no API answers. */
const forPeople = new Set([
  'platform.openai.com',
  'chatgpt.com',
  'chat.openai.com',
  'console.anthropic.com',
  'platform.claude.com',
  'claude.ai',
  'aistudio.google.com',
  'gemini.google.com',
  'console.mistral.ai',
  'chat.mistral.ai',
  'portal.azure.com',
  'ai.azure.com',
  'oai.azure.com',
  'ollama.com',
])

/** Hosts that certainly belong to one provider. */
const hosts: readonly [RegExp, ProviderKind][] = [
  [/^api\.openai\.com$/, 'openai'],
  [/^openrouter\.ai$/, 'openrouter'],
  [/^api\.anthropic\.com$/, 'anthropic'],
  [/^generativelanguage\.googleapis\.com$/, 'gemini'],
  [/^api\.mistral\.ai$/, 'mistral'],
  [/\.(openai|services\.ai|cognitiveservices)\.azure\.com$/, 'azure'],
]

/**
 * @param given With or without the version; a path other than the company's stays, as gateways need it.
 * @throws BaseUrlFault
 */
export function endpointOf(kind: ProviderKind, given: string | null | undefined): Endpoint {
  if (given === undefined || given === null || given.trim() === '') {
    const own = kind === 'rig' || kind === 'azure' ? undefined : places[kind].own
    if (own === undefined) throw new BaseUrlFault('This kind of provider needs a base URL.')
    return { baseUrl: own }
  }
  const url = parsed(given, kind)
  if (kind === 'rig') return { baseUrl: url.href }
  if (kind === 'azure') return azureEndpoint(url)
  if (url.search !== '') throw new BaseUrlFault(`Leave out what follows the question mark in ${shown(url)}.`)
  const { tails, paths, ending } = places[kind]
  const bare = url.pathname.replace(/\/+$/, '').replace(/:(streamGenerateContent|generateContent)$/, '')
  const path = bare.replace(tails, '') || '/'
  const known = Object.hasOwn(paths, path) ? paths[path]! : path
  const isWhole = ending === undefined || known.endsWith(ending)
  return { baseUrl: `${url.origin}${isWhole ? known : `${known}${ending}`}` }
}

function parsed(given: string, kind: ProviderKind): URL {
  const text = given.trim()
  if (!URL.canParse(text) || !/^https?:\/\//i.test(text)) {
    throw new BaseUrlFault('A base URL begins with https:// or http://, as in https://llm.example.com/v1.')
  }
  const url = new URL(text)
  if (kind !== 'rig' && (url.username !== '' || url.password !== '')) {
    throw new BaseUrlFault('Leave the user and the password out of the base URL; a key has its own field.')
  }
  if (url.hash !== '') throw new BaseUrlFault(`Leave out what follows the # in ${shown(url)}.`)
  if (forPeople.has(url.hostname)) {
    throw new BaseUrlFault(
      `${url.hostname} is a page for people. Give the address of the API, or none for the usual one.`,
    )
  }
  const owner = hosts.find(([name]) => name.test(url.hostname))?.[1]
  if (owner !== undefined && owner !== kind && kind !== 'openai_compatible' && kind !== 'rig') {
    throw new BaseUrlFault(`${url.hostname} belongs to another kind of provider: choose ${owner}.`)
  }
  return url
}

/**
 * Azure resources have deployments at `/openai/deployments/NAME`, with `api-version`; newer ones have all at
 * `/openai/v1`.
 * A deployment in the URL is used as the model.
 */
function azureEndpoint(url: URL): Endpoint {
  const version = url.searchParams.get('api-version')
  const path = url.pathname.replace(/\/+$/, '').replace(completions, '')
  const [, before = '', deployment] = /^(.*)\/openai\/deployments(?:\/([^/]+))?$/.exec(path) ?? []
  if (deployment !== undefined) {
    if (version === null) {
      throw new BaseUrlFault('An address with /openai/deployments/ needs ?api-version=… at its end, as Azure shows it.')
    }
    const model = decodeURIComponent(deployment)
    return {
      baseUrl: `${url.origin}${before}/openai/deployments/${deployment}`,
      query: { 'api-version': version },
      model,
    }
  }
  if (/\/api\/projects(\/|$)/.test(path)) {
    throw new BaseUrlFault(
      'This is the address of a project. Give that of its Azure OpenAI resource, without /api/projects.',
    )
  }
  const root = path.replace(/\/(openai\/deployments|openai\/v1|openai|models|v1)$/, '')
  const isDated = version !== null && !path.endsWith('/v1') && version !== 'preview' && version !== 'latest'
  if (isDated) return { baseUrl: `${url.origin}${root}/openai/deployments`, query: { 'api-version': version } }
  return {
    baseUrl: `${url.origin}${root}/openai/v1`,
    ...(version === null ? {} : { query: { 'api-version': version } }),
  }
}

/** Returns the URL without parts that may be secret. */
function shown({ origin, pathname }: URL): string {
  return `${origin}${pathname}`
}

/** Returns true for a host of a company on the public Internet. */
export function isOfCompany(host: string): boolean {
  return hosts.some(([name]) => name.test(host))
}
