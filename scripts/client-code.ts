/**
 * Renders what `rustymail/client` takes from the contract: the table of endpoints, and their request and response
 * types.
 */
import type { z } from 'zod'
import type { Endpoint } from '../contract/endpoint.ts'
import { controls, facts, states } from '../contract/event.ts'
import { api } from '../contract/index.ts'
import { type Json, toSchema } from '../contract/json-schema.ts'
import { ProblemBody } from '../contract/problem-body.ts'
import { type RawEndpoint, rawApi } from '../contract/raw-api.ts'

type Row = [name: string, endpoint: Endpoint | RawEndpoint]

/**
 * Selects files among the non-JSON endpoints: the rest is for browsers and other programs. Aliases of a path are left
 * out.
 */
const isFile = ({ name, uploads, responseHeaders }: RawEndpoint) =>
  name !== 'mail.getMessagePart' && (uploads !== undefined || responseHeaders?.includes('Content-Disposition') === true)
const groups = Object.entries(api).map(([group, endpoints]) => {
  const rows = Object.entries(endpoints).filter(([, { stream }]) => stream !== 'always') as Row[]
  const files = rawApi.filter(one => one.name.startsWith(`${group}.`) && isFile(one))
  return [group, [...rows, ...files.map((one): Row => [one.name.slice(group.length + 1), one])]] as const
})
const generated = 'Generated from the contract by scripts/build-client.ts; do not edit.'

/** Returns the keys of an object type, one of several, or a named one. */
function keysOf(type: z.ZodType | undefined): string[] {
  if (!type) return []
  const components: Json = {}
  const keys = (schema: Json): string[] => {
    if (typeof schema.$ref === 'string') return keys(components[nameOf(schema.$ref)] as Json)
    const parts = [schema.anyOf, schema.oneOf, schema.allOf].flatMap(all => (all ?? []) as Json[])
    return [...Object.keys(schema.properties ?? {}), ...parts.flatMap(keys)]
  }
  return [...new Set(keys(toSchema(type, 'input', components) as Json))]
}

const isUpload = (endpoint: Endpoint | RawEndpoint) => 'uploads' in endpoint
const isDownload = (endpoint: Endpoint | RawEndpoint) => 'media' in endpoint && !isUpload(endpoint)
const takesKey = ({ headers }: Endpoint | RawEndpoint) =>
  headers?.some(({ name }) => name === 'Idempotency-Key') ?? false

/**
 * Maps each parameter to path, query or body. A name used in two of them could not be one parameter, so it is refused.
 */
function rowOf(name: string, endpoint: Endpoint | RawEndpoint): string {
  const path = keysOf(endpoint.params)
  const [query, body] = [keysOf(endpoint.query), keysOf(endpoint.body)]
  const all = [...path, ...query, ...body]
  if (new Set(all).size !== all.length) throw new Error(`${name} has one name for two parameters: ${all.join(', ')}`)
  if (endpoint.body && body.length === 0) throw new Error(`the body of ${name} is not an object with fields`)
  const traits = [
    endpoint.body && 'body',
    takesKey(endpoint) && 'key',
    endpoint.alsoStatus && 'answers503',
    isUpload(endpoint) && 'upload',
    isDownload(endpoint) && 'file',
  ]
  const cells = [endpoint.method, endpoint.path, query.join(','), traits.filter(Boolean).join(',')]
  return `    ${name}: '${cells.join(' ').trim()}',`
}

export function clientTable(): string {
  const lines = groups.map(([group, rows]) => `  ${group}: {\n${rows.map(row => rowOf(...row)).join('\n')}\n  },`)
  return `/** Method, path, names in the query and traits of each endpoint. ${generated} */
export const endpoints = {
${lines.join('\n')}
} as const
`
}

const nameOf = (ref: string) => ref.slice(ref.lastIndexOf('/') + 1)
const keyOf = (name: string) => (/^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name))

/** Returns the type that a JSON Schema describes. @throws for what a type cannot express. */
function typeOf(schema: Json, rename: (name: string) => string): string {
  const inner = (one: unknown) => typeOf(one as Json, rename)
  if (typeof schema.$ref === 'string') return rename(nameOf(schema.$ref))
  if ('const' in schema) return JSON.stringify(schema.const)
  if (Array.isArray(schema.enum)) return schema.enum.map(value => JSON.stringify(value)).join(' | ')
  const union = schema.anyOf ?? schema.oneOf
  if (Array.isArray(union)) return `(${[...new Set(union.map(inner))].join(' | ')})`
  if (Array.isArray(schema.allOf)) {
    const { allOf, ...base } = schema
    // Most parts only narrow a string, which a type cannot express.
    const said = [base, ...allOf].map(inner).filter(type => type !== 'unknown')
    return [...new Set(said)].join(' & ') || 'unknown'
  }
  if (Array.isArray(schema.type)) return `(${schema.type.map(type => inner({ ...schema, type })).join(' | ')})`
  if (schema.type === 'array') {
    if (Array.isArray(schema.prefixItems)) return `[${schema.prefixItems.map(inner).join(', ')}]`
    return `Array<${schema.items === undefined ? 'unknown' : inner(schema.items)}>`
  }
  if (schema.type === 'object') return objectOf(schema, rename)
  if (schema.type === 'integer' || schema.type === 'number') return 'number'
  if (schema.type === 'string' || schema.type === 'boolean' || schema.type === 'null') return schema.type
  if (schema.type === undefined && schema.not === undefined && schema.properties === undefined) return 'unknown'
  throw new Error(`no type for ${JSON.stringify(schema)}`)
}

function objectOf(schema: Json, rename: (name: string) => string): string {
  const { properties, additionalProperties: others } = schema as { properties?: Json; additionalProperties?: unknown }
  const required = new Set(schema.required as string[] | undefined)
  const fields = Object.entries(properties ?? {}).map(([name, field]) => {
    const { description } = field as { description?: string }
    const words =
      description === undefined ? '' : `/** ${description.replaceAll('*/', '*\\/').replaceAll('\n', ' ')} */ `
    const type = typeOf(field as Json, rename)
    return `${words}${keyOf(name)}${required.has(name) ? '' : '?'}: ${type}${required.has(name) ? '' : ' | undefined'}`
  })
  if (fields.length > 0) return `{ ${fields.join('; ')} }`
  if (others === undefined || others === false) return '{}'
  return `Record<string, ${others === true ? 'unknown' : typeOf(others as Json, rename)}>`
}

/** Returns the name of a type whose input form differs from its output form. */
const inputName = (name: string) => `${name}Input`
const same = (name: string) => name

export function clientTypes(): string {
  const [answered, taken]: [Json, Json] = [{}, {}]
  const output = (type: z.ZodType) => typeOf(toSchema(type, 'output', answered) as Json, same)
  const input = (type: z.ZodType) => typeOf(toSchema(type, 'input', taken) as Json, inputName)
  const answerOf = (endpoint: Endpoint | RawEndpoint) => {
    if (isDownload(endpoint)) return 'Download'
    if ('json' in endpoint && endpoint.json) return output(endpoint.json)
    return endpoint.status === 204 || !('response' in endpoint) ? 'undefined' : output(endpoint.response)
  }
  const method = (name: string, endpoint: Endpoint | RawEndpoint) => {
    const parts = [endpoint.params, endpoint.query, endpoint.body].filter(part => part !== undefined)
    const sent = [...parts.map(input), ...(isUpload(endpoint) ? ['{ file: FileContent }'] : [])]
    const answer = answerOf(endpoint)
    const others = isDownload(endpoint) ? 'DownloadOptions' : 'CallOptions'
    const options = takesKey(endpoint) ? 'KeyedCallOptions' : others
    return `    /** ${endpoint.summary}: \`${endpoint.method} ${endpoint.path}\` */
    ${name}: Method<${sent.join(' & ') || '{}'}, ${answer}, ${options}>`
  }
  const body = groups.map(([group, rows]) => `  ${group}: {\n${rows.map(row => method(...row)).join('\n')}\n  }`)
  const events = (kind: string, types: [string, z.ZodType][]) =>
    `export type ${kind} =\n${types.map(([type, data]) => `  | { type: '${type}'; data: ${output(data)} }`).join('\n')}`
  const kinds = [
    events(
      'Fact',
      Object.entries(facts).map(([type, { data }]) => [type, data]),
    ),
    events(
      'State',
      Object.entries(states).map(([type, { data }]) => [type, data]),
    ),
    events('Control', Object.entries(controls)),
  ]
  output(ProblemBody)
  const named = [
    ...Object.entries(answered).map(([name, schema]) => [name, typeOf(schema as Json, same)]),
    ...Object.entries(taken).map(([name, schema]) => [inputName(name), typeOf(schema as Json, inputName)]),
  ]
  return `/** Types of requests, answers and events. ${generated} */
import type { CallOptions, KeyedCallOptions, Method } from './call-types.ts'
import type { Download, DownloadOptions, FileContent } from './files.ts'

export interface Api {
${body.join('\n')}
}

${kinds.join('\n\n')}

export type ServerEvent = Fact | State | Control

${named.map(([name, type]) => `export type ${name} = ${type}`).join('\n')}
`
}
