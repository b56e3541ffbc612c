/** The problems of each operation, as responses of the OpenAPI document: its own, and those shared by its kind. */
import type { Endpoint } from './endpoint.ts'
import type { Json } from './json-schema.ts'
import { type ProblemCode, problems } from './problem.ts'

type Kind = Pick<Endpoint, 'method' | 'path' | 'scope' | 'problems' | 'isRevocation'>

/** Problems of the HTTP layer, before or after the operation itself. */
function sharedProblems({ method, path, scope, isRevocation }: Kind): ProblemCode[] {
  const isHealth = path.startsWith('/health/')
  return [
    'bad_request',
    ...(scope === 'public' ? [] : (['unauthorized', 'forbidden', 'frozen'] as const)),
    ...(method === 'GET' ? [] : (['origin_not_allowed', 'too_large', 'unsupported_media_type'] as const)),
    'request_timeout',
    'host_not_allowed',
    'head_too_large',
    'too_many_requests',
    'internal',
    ...(method === 'GET' ? [] : (['not_implemented'] as const)),
    ...(isHealth ? [] : (['overloaded', 'draining'] as const)),
    ...(isRevocation ? (['revocation_not_stored'] as const) : []),
  ]
}

/** Headers that accompany a response, by its status. */
const headersOf: Readonly<Record<number, string>> = {
  401: 'WWW-Authenticate',
  416: 'Content-Range',
  429: 'Retry-After',
  503: 'Retry-After',
}

/** @param shared Collects each set of codes once, as a component. */
export function problemResponses(operation: Kind, shared: Json): Record<string, { $ref: string }> {
  const byStatus = new Map<number, Set<ProblemCode>>()
  for (const code of [...sharedProblems(operation), ...(operation.problems ?? [])]) {
    const { status } = problems[code]
    byStatus.set(status, (byStatus.get(status) ?? new Set()).add(code))
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => {
      const name = [...codes].join('.')
      shared[name] ??= responseOf(status, [...codes])
      return [status, { $ref: `#/components/responses/${name}` }]
    }),
  )
}

function responseOf(status: number, codes: readonly ProblemCode[]): Json {
  const named = headersOf[status]
  return {
    description: codes.map(code => `\`${code}\`: ${problems[code].title}`).join('; '),
    headers: headerRefs([...everyAnswer, ...(named ? [named] : [])]),
    content: {
      'application/problem+json': {
        schema: { $ref: '#/components/schemas/Problem' },
        examples: Object.fromEntries(codes.map(code => [code, { $ref: `#/components/examples/${code}` }])),
      },
    },
  }
}

/** All codes except the one that no operation returns, since it is for unknown methods. */
export function problemExamples(): Json {
  const answered = Object.entries(problems).filter(([code]) => code !== 'method_not_allowed')
  return Object.fromEntries(
    answered.map(([code, { status, title }]) => {
      const value = { type: `/problems/${code}`, title, status, detail: `${title}.`, instance: 'a1b2c3d4-7', code }
      return [code, { summary: title, value }]
    }),
  )
}

export const everyAnswer = ['X-Request-Id', 'Cache-Control', 'RateLimit', 'RateLimit-Policy'] as const

export function headerRefs(names: readonly string[]): Json {
  return Object.fromEntries(names.map(name => [name, { $ref: `#/components/headers/${name}` }]))
}

const header = (description: string, example: unknown, schema: Json = { type: 'string' }) => ({
  description,
  schema,
  example,
})

export const headers: Json = {
  'X-Request-Id': header('The request id, as in the server’s log', 'a1b2c3d4-7'),
  'Cache-Control': header('Responses are private and must not be cached', 'no-store'),
  RateLimit: header(
    'Remaining calls of the tightest limit, and in how many seconds it is full again; absent where a request was rejected earlier',
    '"principal";r=5999;t=1',
  ),
  'RateLimit-Policy': header('That limit: calls in a window of seconds', '"principal";q=6000;w=60'),
  'Retry-After': header('Seconds to wait before a retry; absent where waiting does not help', 5, {
    type: 'integer',
    minimum: 0,
  }),
  'WWW-Authenticate': header('How to authenticate', 'Bearer realm="RustyMail"'),
  'Set-Cookie': header(
    'The session: HttpOnly, SameSite=Lax, over HTTPS `__Host-rustymail_session`; empty once it has ended',
    'rustymail_session=c2Vzc2lvbg; Max-Age=2592000; Path=/; HttpOnly; SameSite=Lax',
  ),
  'Content-Disposition': header('A name for the file', 'attachment; filename="rustymail-audit-2026-11-22.csv"'),
  ETag: header('Identifies these bytes: a cached or partly downloaded file is still the same', '"q83vASNFZ4k"'),
  'Accept-Ranges': header('Whether ranges of the file can be requested: `bytes`, or `none`', 'bytes'),
  'Content-Range': header('Which bytes of the file these are, and its size', 'bytes 1048576-2097151/2097152'),
  Location: header('Where the browser is redirected', '/'),
  'X-Accel-Buffering': header('Tells proxies not to buffer events', 'no'),
}
