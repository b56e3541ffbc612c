/** Requests that no client would send, made from the examples of the OpenAPI document. */
import type { DocumentedOperation } from './openapi.ts'

/** A variant of a request, and what its refusal must name. */
export interface Variant {
  what: string
  path: string
  headers?: Record<string, string>
  body?: string | Uint8Array<ArrayBuffer>
  /** The field at fault: the answer must be a 400 that names it, or something around or in it. */
  at?: string
  /** Whether it may also be accepted, or refused for another reason: its values are only unusual. */
  isOnlyOdd?: boolean
}

type Path = readonly (string | number)[]

/** JSON that may stand for any value. The first are wrong everywhere. */
const wrong = ['"a\\u0000b"', '"a\\ud800b"', '{"__proto__":{"x":1}}', '{"constructor":{"prototype":{}}}', '[[[null]]]']
const odd = [
  'null',
  '[]',
  '{}',
  '1e309',
  '-1',
  '1.5',
  '""',
  '9007199254740993',
  '"+275760-09-13T00:00:00.001Z"',
  'true',
]

/** Fills in the parameters: own values first, else the examples. */
export function pathOf(operation: DocumentedOperation, own: Readonly<Record<string, string>>, query = ''): string {
  const value = ({ name, example }: DocumentedOperation['parameters'][number]) =>
    own[name] ?? encodeURIComponent(String(example))
  const filled = operation.parameters
    .filter(each => each.in === 'path')
    .reduce((text, each) => text.replace(`{${each.name}}`, value(each)), operation.path)
  const isSent = ({ name, ...rest }: object & { name: string; required?: boolean }) =>
    (rest.required || name in own) && !query.startsWith(name)
  const pairs = operation.parameters.filter(each => each.in === 'query' && isSent(each))
  const all = [...pairs.map(each => `${each.name}=${value(each)}`), ...(query === '' ? [] : [query])]
  return all.length === 0 ? filled : `${filled}?${all.join('&')}`
}

export function exampleOf({ requestBody }: DocumentedOperation): unknown {
  return requestBody?.content['application/json']?.example
}

/** @param own Values of parameters, encoded. */
export function variantsOf(operation: DocumentedOperation, own: Readonly<Record<string, string>>): Variant[] {
  const example = exampleOf(operation)
  const body = example === undefined ? {} : { body: JSON.stringify(example) }
  const url = (query?: string) => pathOf(operation, own, query)
  return [
    ...operation.parameters.flatMap(({ name, in: part }, turn): Variant[] => {
      const at = `${part}.${name}`
      if (part === 'query') {
        return [
          { what: 'NUL', path: url(`${name}=a%00b`), at },
          { what: 'not UTF-8', path: url(`${name}=%ff`), at },
          { what: 'long', path: url(`${name}=${'a'.repeat(6_000)}`), at },
          { what: 'repeated', path: url(`${name}=1&${name}=2`), at, isOnlyOdd: true },
          { what: 'in brackets', path: url(`${name}[]=1`), at: part },
          { what: 'odd', path: url(`${name}=${encodeURIComponent(odd[turn % odd.length]!)}`), at, isOnlyOdd: true },
        ].map(each => ({ ...each, ...body }))
      }
      if (part !== 'path') return []
      const named = (value: string) => pathOf(operation, { ...own, [name]: value })
      return [
        { what: 'not UTF-8', path: named('%ed%a0%80'), at: part },
        { what: 'longer than any id', path: named('a'.repeat(3_000)), at },
        { what: 'odd', path: named('__proto__'), at, isOnlyOdd: true },
      ].map(each => ({ ...each, ...body }))
    }),
    { what: 'unknown', path: url('surprise=1'), at: 'query', ...body },
    { what: 'a prototype', path: url('__proto__=1'), at: 'query', ...body },
    ...headersOf(operation).map(each => ({ path: url(), ...body, ...each })),
    ...(example === undefined ? [] : bodiesOf(example).map(each => ({ path: url(), ...each }))),
  ]
}

function headersOf({ parameters }: DocumentedOperation): Omit<Variant, 'path'>[] {
  const header = (name: string, value: string) => ({
    what: `${name}: ${value.slice(0, 5)}`,
    headers: { [name]: value },
  })
  const isKeyed = parameters.some(({ name }) => name === 'Idempotency-Key')
  return [
    { ...header('rustymail-session', 'k'.repeat(65)), at: 'header.rustymail-session' },
    // What the server reads of a repeated header.
    { ...header('rustymail-session', 'a, b'), at: 'header.rustymail-session' },
    { ...header('rustymail-session', 'é'), at: 'header.rustymail-session' },
    ...(isKeyed ? [{ ...header('idempotency-key', 'a b'), at: 'header.idempotency-key' }] : []),
    ...(isKeyed ? [{ ...header('idempotency-key', 'k'.repeat(9_000)), at: 'header.idempotency-key' }] : []),
    { ...header('range', 'bytes=9-1,x'), isOnlyOdd: true },
  ]
}

function bodiesOf(example: unknown): Omit<Variant, 'path'>[] {
  const whole = JSON.stringify(example)
  const places = placesIn(example)
  const at = 'body'
  return [
    { what: 'half of it', body: whole.slice(0, -1), at },
    { what: 'nothing', body: '', at },
    { what: 'not UTF-8', body: Buffer.from(`{"a\xff${whole.slice(2)}`, 'latin1'), at },
    ...places.flatMap((place, turn) => {
      const field = ['body', ...place].join('.')
      const bad = wrong[turn % wrong.length]!
      const [one, other] = [odd[turn % odd.length]!, odd[(turn * 3 + 5) % odd.length]!]
      return [
        { what: bad, body: withJson(example, place, bad), at: field },
        { what: one, body: withJson(example, place, one), at: field, isOnlyOdd: true },
        { what: other, body: withJson(example, place, other), at: field, isOnlyOdd: true },
      ]
    }),
    ...[[], ...places].flatMap((place: Path, turn) => {
      const object = place.reduce<unknown>((value, key) => (value as Record<string | number, unknown>)[key], example)
      if (typeof object !== 'object' || object === null || Array.isArray(object)) return []
      const name = ['surprise', '__proto__', 'toString'][turn % 3]!
      const members = JSON.stringify(object).slice(1)
      const json = `{"${name}":{"x":1}${members === '}' ? '' : ','}${members}`
      return [{ what: `a member ${name}`, body: withJson(example, place, json), at: ['body', ...place].join('.') }]
    }),
  ]
}

/** Lists the paths of all values but the whole; of a list, only its first item. */
function placesIn(value: unknown, at: Path = []): Path[] {
  const own = at.length === 0 ? [] : [at]
  if (typeof value !== 'object' || value === null) return own
  const members = Array.isArray(value) ? [...value.slice(0, 1).entries()] : Object.entries(value)
  return [...own, ...members.flatMap(([key, member]) => placesIn(member, [...at, key]))]
}

const mark = 'stands for the JSON'

function withJson(value: unknown, at: Path, json: string): string {
  return JSON.stringify(put(value, at)).replace(JSON.stringify(mark), () => json)
}

function put(value: unknown, [first, ...rest]: Path): unknown {
  if (first === undefined) return mark
  const copy = Array.isArray(value) ? [...value] : { ...(value as object) }
  const members = copy as Record<string | number, unknown>
  members[first] = put(members[first], rest)
  return copy
}
