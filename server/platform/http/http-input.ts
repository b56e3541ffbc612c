/** Validates the input of a request, reporting all errors at once, and removes secrets from it for the audit trail. */
import { z } from 'zod'
import type { Endpoint } from '../../../contract/endpoint.ts'
import { faultWords } from '../fault-words.ts'
import { type InputFault, type InputPath, Problem } from '../problem.ts'

interface RawInput {
  params: unknown
  query: unknown
  body?: unknown
}

type Fault = { path: string; message: string }
type Part = 'path' | 'query' | 'body'

/** Characters of an error's path and message, which may repeat input. */
const maxWords = 300

export function parseInput<Params, Query, Body>(
  endpoint: Endpoint<Params, Query, Body>,
  raw: RawInput,
): { params: Params; query: Query; body: Body } {
  const faults: InputFault[] = []
  const input = {
    params: parsePart(endpoint.params, raw.params, 'path', faults) as Params,
    query: parsePart(endpoint.query, raw.query, 'query', faults) as Query,
    body: parsePart(endpoint.body, raw.body, 'body', faults) as Body,
  }
  if (faults.length === 0) return input
  const detail = faults.map(({ path, message }) => `${path}: ${message}`).join('; ')
  throw new Problem('bad_request', detail.slice(0, 1000), { errors: faults.slice(0, 50) })
}

/** Validates the query of an endpoint that is not in the table. @throws Problem `bad_request` */
export function parseQuery<Query>(query: z.ZodType<Query> | undefined, given: unknown): Query {
  return parseInput({ query } as Endpoint<undefined, Query, undefined>, { params: undefined, query: given }).query
}

/**
 * Validates one part; a part without a schema must be empty, since input that is not read is a mistake of the sender.
 */
function parsePart(type: z.ZodType | undefined, value: unknown, name: Part, faults: InputFault[]): unknown {
  if (!type) {
    if (!isEmpty(value)) faults.push({ path: name, message: `this endpoint takes no ${name}` })
    return undefined
  }
  const checked = checkValue(type, value)
  if ('data' in checked) return checked.data
  for (const { path, message } of checked.faults) {
    const where: InputPath = path === '' ? name : `${name}.${path}`
    const words = name === 'query' && isRepeated(value, path, message) ? 'must be given only once' : message
    faults.push({ path: where.slice(0, maxWords) as InputPath, message: words.slice(0, maxWords) })
  }
  return undefined
}

/** Whether a query parameter was given more than once that may not be: it is parsed as a list then. */
function isRepeated(query: unknown, path: string, message: string): boolean {
  const value = isObject(query) ? (query as Record<string, unknown>)[path] : undefined
  return Array.isArray(value) && !/\b(array|items?)\b/.test(message)
}

/** Validates a value; the path of an error about the whole value is empty. */
export function checkValue(type: z.ZodType, value: unknown): { data: unknown } | { faults: Fault[] } {
  const result = type.safeParse(value, { error: faultWords })
  if (!result.success) return { faults: faultsOf(result.error.issues) }
  const fault = faultOfText(result.data)
  return fault ? { faults: [{ path: fault.path.join('.'), message: fault.message }] } : { data: result.data }
}

/** A value of the wrong kind is not judged further: zod also checks the length of a string where it wants an array. */
function faultsOf(issues: readonly z.core.$ZodIssue[]): Fault[] {
  const faults = new Map<string, Fault>()
  const ofWrongKind = new Set<string>()
  for (const { code, path: keys, message } of issues) {
    const path = keys.map(String).join('.')
    if (ofWrongKind.has(path)) continue
    if (code === 'invalid_type') ofWrongKind.add(path)
    faults.set(`${path}: ${message}`, { path, message })
  }
  return [...faults.values()]
}

/**
 * Finds a NUL, which PostgreSQL rejects and SQLite may treat as the end, or an unpaired surrogate, which UTF-8 cannot
 * encode: models and local programs may send one. For values of bounded depth.
 */
export function faultOfText(value: unknown): { path: string[]; message: string } | undefined {
  if (typeof value === 'string') {
    if (value.includes('\0')) return { path: [], message: 'must not contain NUL' }
    return value.isWellFormed() ? undefined : { path: [], message: 'has an unpaired surrogate' }
  }
  if (typeof value !== 'object' || value === null) return undefined
  for (const [name, each] of Object.entries(value)) {
    const fault = faultOfText(each)
    if (fault) return { ...fault, path: [name, ...fault.path] }
  }
  return undefined
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true
  return typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length === 0
}

/** Validated input without secrets. */
export interface SafeInput {
  query: unknown
  body: unknown
}

interface Field {
  /** `*` for each item of a list, and for each member of a record. */
  path: Path
  isSecret: boolean
}

type Path = readonly string[]

/**
 * Lists all fields of a schema, including nested ones.
 * @throws Error for a kind of schema that is not supported here yet, since it could contain secrets
 */
export function fieldsOf(type: z.core.$ZodType, path: Path = []): Field[] {
  if (z.globalRegistry.get(type)?.writeOnly === true) return [{ path, isSecret: true }]
  const { def } = (type as z.core.$ZodTypes)._zod
  switch (def.type) {
    case 'object':
      return Object.entries(def.shape).flatMap(([name, member]) => fieldsOf(member, [...path, name]))
    case 'array':
      return fieldsOf(def.element, [...path, '*'])
    case 'record':
      return fieldsOf(def.valueType, [...path, '*'])
    case 'union':
      return def.options.flatMap(option => fieldsOf(option, path))
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
      return fieldsOf(def.innerType, path)
    case 'pipe': {
      // The position of a secret in the output of a transform is unknown.
      const before = fieldsOf(def.in, path)
      return before.some(({ isSecret }) => isSecret) ? [{ path, isSecret: true }] : before
    }
    case 'string':
    case 'number':
    case 'boolean':
    case 'enum':
    case 'literal':
    case 'null':
    case 'unknown':
      return [{ path, isSecret: false }]
    default:
      throw new Error(`schemas of the kind ${def.type} are not searched for secrets yet (${path.join('.')})`)
  }
}

/** Compiles a function that removes secrets from inputs; it returns undefined if nothing is left. */
export function leaveSecretsOut(types: {
  query?: z.ZodType | undefined
  body?: z.ZodType | undefined
}): (input: SafeInput) => SafeInput | undefined {
  const [ofQuery, ofBody] = [secretsOf(types.query), secretsOf(types.body)]
  return input => {
    const safe = { query: without(input.query, ofQuery), body: without(input.body, ofBody) }
    return isNothing(safe.query) && isNothing(safe.body) ? undefined : safe
  }
}

/** Lists field names (`name`, `imap.host`) without values, in input order. */
export function fieldNames(value: unknown, before = ''): string[] {
  if (!isObject(value)) return before === '' ? [] : [before]
  return Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .flatMap(([name, member]) => fieldNames(member, before === '' ? name : `${before}.${name}`))
}

function secretsOf(type: z.ZodType | undefined): Path[] {
  if (!type) return []
  return fieldsOf(type).flatMap(({ path, isSecret }) => (isSecret ? [path] : []))
}

function without(value: unknown, secrets: readonly Path[]): unknown {
  if (secrets.length === 0) return value
  if (secrets.some(path => path.length === 0)) return undefined
  const below = (name: string) => secrets.flatMap(([first, ...rest]) => (first === name || first === '*' ? [rest] : []))
  if (Array.isArray(value)) return value.map(item => without(item, below('*')))
  if (!isObject(value)) return value
  const members = Object.entries(value).map(([name, member]) => [name, without(member, below(name))] as const)
  return Object.fromEntries(members.filter(([, member]) => member !== undefined))
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isNothing(part: unknown): boolean {
  return part === undefined || part === null || (typeof part === 'object' && Object.keys(part).length === 0)
}
