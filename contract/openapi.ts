/** Renders the table of endpoints as an OpenAPI 3.1 document. Schemas with an id become components. */
import type { z } from 'zod'
import { bodyLimitOf, type Endpoint } from './endpoint.ts'
import { api } from './index.ts'
import { type Json, toSchema } from './json-schema.ts'
import { ProblemBody, type ProblemCode, problems } from './problem.ts'

const shared: ProblemCode[] = [
  'bad_request',
  'unauthorized',
  'forbidden',
  'too_large',
  'host_not_allowed',
  'unsupported_media_type',
  'too_many_requests',
  'internal',
  'draining',
]

export function renderOpenApi(info: { title: string; version: string }): Json {
  const components: Json = {}
  const paths: Record<string, Json> = {}
  const schema = (type: z.ZodType, io: 'input' | 'output') => toSchema(type, io, components)
  schema(ProblemBody, 'output')
  for (const [group, endpoints] of Object.entries(api)) {
    for (const [name, endpoint] of Object.entries(endpoints) as [string, Endpoint][]) {
      paths[endpoint.path] ??= {}
      paths[endpoint.path]![endpoint.method.toLowerCase()] = operation(`${group}.${name}`, endpoint, schema)
    }
  }
  return {
    openapi: '3.1.0',
    info,
    paths,
    components: {
      schemas: components,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        api_key: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        session: { type: 'apiKey', in: 'cookie', name: 'rustymail_session' },
      },
    },
    security: [{ bearer: [] }, { api_key: [] }, { session: [] }],
  }
}

function operation(
  operationId: string,
  endpoint: Endpoint,
  schema: (type: z.ZodType, io: 'input' | 'output') => unknown,
): Json {
  const status = String(endpoint.status ?? 200)
  const content: Json = {}
  if (endpoint.stream !== 'always' && status !== '204')
    content['application/json'] = { schema: schema(endpoint.response, 'output') }
  if (endpoint.stream) content['text/event-stream'] = { schema: { type: 'string' } }
  return {
    operationId,
    tags: [endpoint.tag],
    summary: endpoint.summary,
    ...(endpoint.description ? { description: endpoint.description } : {}),
    ...(endpoint.scope === 'public' ? { security: [] } : {}),
    'x-scope': endpoint.scope,
    'x-effect': endpoint.effect,
    parameters: [
      ...parameters('path', endpoint.params && schema(endpoint.params, 'input')),
      ...parameters('query', endpoint.query && schema(endpoint.query, 'input')),
    ],
    ...(endpoint.body
      ? {
          requestBody: {
            description: `At most ${bodyLimitOf(endpoint) / 1024} KiB`,
            required: !endpoint.body.safeParse(undefined).success,
            content: { 'application/json': { schema: schema(endpoint.body, 'input') } },
          },
        }
      : {}),
    responses: {
      [status]: { description: 'Success', ...(Object.keys(content).length > 0 ? { content } : {}) },
      ...problemResponses(endpoint),
    },
  }
}

function parameters(where: 'path' | 'query', schema: unknown): Json[] {
  if (!schema) return []
  const { properties = {}, required = [] } = schema as { properties?: Record<string, Json>; required?: string[] }
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    ...(typeof property.description === 'string' ? { description: property.description } : {}),
    schema: property,
  }))
}

function problemResponses(endpoint: Endpoint): Json {
  const byStatus = new Map<number, string[]>()
  for (const code of [...shared, ...(endpoint.problems ?? [])]) {
    const { status } = problems[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [status, { description: codes.join(', '), content }]),
  )
}
