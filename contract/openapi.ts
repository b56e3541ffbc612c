/** Renders the table of endpoints, and what is served beside it, as an OpenAPI 3.1 document. Schemas with an id become components. */
import type { z } from 'zod'
import { bodyLimitOf, type Endpoint, type RequestHeader } from './endpoint.ts'
import { api } from './index.ts'
import { type Json, toSchema } from './json-schema.ts'
import { exampleOf } from './openapi-examples.ts'
import { everyAnswer, headerRefs, headers, problemExamples, problemResponses } from './openapi-problems.ts'
import { ProblemBody } from './problem-body.ts'
import { type RawEndpoint, rawApi } from './raw-api.ts'

const description = `Mail over REST, and the dashboard that watches it. The event stream is described in \`/asyncapi.json\`, the tools for agents in \`docs/mcp.md\`.

Every error is \`application/problem+json\` (RFC 9457) with a \`code\` of a closed table. Besides what each operation lists: 404 for an unknown path, 405 for a method that a
path does not have, 408 and 431 for requests that arrive too slowly or with headers that are too long. Fields and codes may be added: ignore unknown ones.`

const tags: Readonly<Record<string, string>> = {
  Access: 'Set-up, sign-in and sessions',
  Accounts: 'Mail accounts: their connections and health',
  Assistant: 'Questions to your own model',
  Audit: 'Who did what',
  Clients: 'Connected clients',
  Configuration: 'Settings that an administrator changes at run time',
  Documents: 'This document and related ones',
  Drafts: 'Writing mail',
  Events: 'Live events',
  Health: 'For orchestrators',
  MCP: 'The same for agents',
  Mail: 'Accounts, folders, messages, search',
  Metrics: 'Figures of the running server',
  Operations: 'Changes of mail, and undoing them',
  Outbox: 'Messages on their way out, and what became of them',
  Approvals: 'Messages that wait for a human to approve them, and who may',
  Proposals: 'What tokens that only propose want to do: looked at, applied in whole or in part, or declined',
  Push: 'Browsers that are notified of what waits for approval',
  Freeze: 'Stopping what a caller, an account or all programs do',
  Profile: 'One’s own password, second factor and passkeys',
  Tokens: 'API tokens',
  Users: 'Users',
}

interface Shared {
  schemas: Json
  responses: Json
}
type Schema = (type: z.ZodType, io: 'input' | 'output') => unknown
/** The common part of JSON endpoints and raw ones. */
type Asked = Omit<Endpoint, 'response' | 'status'> & Pick<RawEndpoint, 'uploads'>

export function renderOpenApi(info: { title: string; version: string }): Json {
  const components: Json = {}
  const responses: Json = {}
  const paths: Record<string, Json> = {}
  const schema: Schema = (type, io) => toSchema(type, io, components)
  schema(ProblemBody, 'output')
  const add = (asked: Asked, operationId: string, success: Json) => {
    paths[asked.path] ??= {}
    paths[asked.path]![asked.method.toLowerCase()] = operation(operationId, asked, success, schema, {
      schemas: components,
      responses,
    })
  }
  for (const [group, endpoints] of Object.entries(api)) {
    for (const [name, endpoint] of Object.entries(endpoints) as [string, Endpoint][]) {
      add(endpoint, `${group}.${name}`, jsonSuccess(endpoint, schema, components))
    }
  }
  for (const raw of rawApi)
    add(
      raw,
      raw.name === 'docs' ? `docs${raw.path.replaceAll(/\W/g, '_')}` : raw.name,
      rawSuccess(raw, schema, components),
    )
  return {
    openapi: '3.1.0',
    info: { ...info, description, license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: '/', description: 'The server that serves this document' }],
    tags: Object.entries(tags).map(([name, words]) => ({ name, description: words })),
    paths,
    components: { schemas: components, responses, headers, examples: problemExamples(), securitySchemes },
    security: anybody,
  }
}

const securitySchemes = {
  bearer: { type: 'http', scheme: 'bearer', description: 'An API token, or `RUSTYMAIL_API_KEY`' },
  api_key: {
    type: 'apiKey',
    in: 'header',
    name: 'X-API-Key',
    description: 'The same token, for clients that cannot set `Authorization`',
  },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: 'rustymail_session',
    description:
      'The session of a signed-in person; over HTTPS `__Host-rustymail_session`. Requests that change something need an `Origin` of this server',
  },
}
const anybody = [{ bearer: [] }, { api_key: [] }, { session: [] }]
const securityOf: Record<NonNullable<Endpoint['callers']>, Json[]> = {
  session: [{ session: [] }],
  // The API key is not a token, though it is sent in the same way.
  not_token: [{ session: [] }, { api_key: [] }],
}

function operation(
  operationId: string,
  asked: Asked,
  success: Json,
  schema: Schema,
  { schemas: components, responses }: Shared,
): Json {
  const { callers, scope } = asked
  return {
    operationId,
    tags: [asked.tag],
    summary: asked.summary,
    ...(asked.description ? { description: asked.description } : {}),
    ...(scope === 'public' ? { security: [] } : callers ? { security: securityOf[callers] } : {}),
    'x-scope': scope,
    'x-effect': asked.effect,
    parameters: [
      ...parameters('path', asked.params && schema(asked.params, 'input'), components),
      ...parameters('query', asked.query && schema(asked.query, 'input'), components),
      ...(asked.headers ?? []).map(headerParameter),
    ],
    ...(asked.body ? { requestBody: requestBody(asked, asked.body, schema, components) } : {}),
    ...(asked.uploads ? { requestBody: uploadBody(asked.uploads) } : {}),
    responses: merged(success, problemResponses(asked, responses), responses),
  }
}

/** Merges two responses of a status that is both a problem and something else. */
function merged(success: Json, problems: Record<string, { $ref: string }>, responses: Json): Json {
  const all: Json = { ...success, ...problems }
  for (const [status, own] of Object.entries(success)) {
    const name = problems[status]?.$ref.split('/').at(-1)
    if (name === undefined) continue
    const [one, other] = [own, responses[name]] as [Json, Json]
    const content = { ...(one.content as Json), ...(other.content as Json) }
    const headers = { ...(one.headers as Json), ...(other.headers as Json) }
    all[status] = { description: `${one.description}; or ${other.description}`, headers, content }
  }
  return all
}

function requestBody(asked: Asked, body: z.ZodType, schema: Schema, components: Json): Json {
  const shape = schema(body, 'input')
  return {
    description: `At most ${bodyLimitOf(asked) / 1024} KiB`,
    required: !body.safeParse(undefined).success,
    content: { 'application/json': { schema: shape, example: exampleOf(shape, components) } },
  }
}

function uploadBody(bytes: number): Json {
  const schema = { type: 'string', contentMediaType: 'application/octet-stream' }
  const content = { 'application/octet-stream': { schema, example: 'At noon?' } }
  return { description: `At most ${bytes / 1024 / 1024} MiB, of any type`, required: true, content }
}

function jsonSuccess(endpoint: Endpoint, schema: Schema, components: Json): Json {
  const { status = 200, stream, response, setsCookie, alsoStatus } = endpoint
  const content: Json = {}
  if (stream !== 'always' && status !== 204) {
    const shape = schema(response, 'output')
    content['application/json'] = { schema: shape, example: exampleOf(shape, components) }
  }
  if (stream) content['text/event-stream'] = streamContent(endpoint, schema, components)
  const names = [...everyAnswer, ...(setsCookie ? ['Set-Cookie'] : []), ...(stream ? ['X-Accel-Buffering'] : [])]
  const success = {
    description: status === 204 ? 'Done, without content' : 'Success',
    headers: headerRefs(names),
    ...(status === 204 ? {} : { content }),
  }
  return {
    [status]: success,
    ...(alsoStatus && { [alsoStatus]: { ...success, description: 'The same, where that is not so' } }),
  }
}

function streamContent({ part }: Endpoint, schema: Schema, components: Json): Json {
  const text = { type: 'string', description: 'Server-sent events (WHATWG HTML, section 9.2)' }
  const example =
    'id: k3f9-1042\nevent: mail_received\ndata: {"account_id":"5f0c2f6b9d3e41a8","folder":"INBOX","uid":771}\n\n'
  if (!part) return { schema: { ...text, description: `${text.description}: see /asyncapi.json` }, example }
  const shape = schema(part, 'output')
  const data = JSON.stringify(exampleOf(shape, components))
  // The schema of the `data:` of each event.
  const schemaOfParts = { ...text, contentMediaType: 'application/json', contentSchema: shape }
  return { schema: schemaOfParts, example: `event: start\ndata: ${data}\n\n` }
}

function rawSuccess(raw: RawEndpoint, schema: Schema, components: Json): Json {
  const { status = 200, media, responseHeaders = [], others = {}, json } = raw
  const content: Json = Object.fromEntries(
    Object.entries(media).map(([type, example]) => [
      type,
      type === 'application/json'
        ? { schema: { type: 'object' }, example: JSON.parse(example) }
        : { schema: { type: 'string' }, example },
    ]),
  )
  if (json) {
    const shape = schema(json, 'output')
    content['application/json'] = { schema: shape as Json, example: exampleOf(shape, components) }
  }
  const headers = headerRefs([...everyAnswer, ...responseHeaders])
  const success = {
    description: status === 302 ? 'Cursor of the next page' : 'Success',
    headers,
    ...(status !== 302 && { content }),
  }
  const rest = Object.entries(others).map(([other, words]) => [
    other,
    { description: words, headers: headerRefs(everyAnswer) },
  ])
  // Generators expect a 2xx status for a success, which a redirect is not.
  const other = status === 302 ? { default: { $ref: '#/components/responses/internal' } } : {}
  return { [status]: success, ...Object.fromEntries(rest), ...other }
}

function parameters(where: 'path' | 'query', schema: unknown, components: Json): Json[] {
  if (!schema) return []
  const { properties = {}, required = [] } = schema as { properties?: Record<string, Json>; required?: string[] }
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    ...(typeof property.description === 'string' ? { description: property.description } : {}),
    schema: property,
    example: exampleOf(property, components, name),
  }))
}

function headerParameter({ name, description: words, example }: RequestHeader): Json {
  return { name, in: 'header', required: false, description: words, schema: { type: 'string' }, example }
}
