/**
 * The OpenAPI document suits tools: no finding of Redocly's recommended rules, and examples that the server would
 * accept.
 */
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { expect, test } from 'vitest'
import type { Endpoint } from '../contract/endpoint.ts'
import { api, operationName } from '../contract/index.ts'
import { problems } from '../contract/problem.ts'
import { operations, theDocument } from './support/openapi.ts'

const endpoints = Object.values(api).flatMap(group => Object.values(group) as Endpoint[])
/** Statuses that are sent before the operation is known; the document's description lists them. */
const atTheDoor = new Set<number>([405])
const documented = new Map(operations().map(operation => [operation.operationId, operation]))

test('it has no finding of the recommended rules', async () => {
  const config = await createConfig({ extends: ['recommended'] })
  const source = JSON.stringify(theDocument)
  const found = await lintFromString({ source, absoluteRef: 'openapi.json', config })
  expect(found.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual([])
})

test('the rules find what is wrong: a document without a licence, a server, or an operation that succeeds', async () => {
  const config = await createConfig({ extends: ['recommended'] })
  const { license: _license, ...info } = theDocument.info
  const paths = { '/x': { get: { operationId: 'x', responses: { 404: { description: 'x' } } } } }
  const source = JSON.stringify({ ...theDocument, info, servers: [], paths })
  const rules = (await lintFromString({ source, absoluteRef: 'openapi.json', config })).map(({ ruleId }) => ruleId)
  expect(rules).toEqual(expect.arrayContaining(['info-license', 'no-empty-servers', 'operation-2xx-response']))
})

test.each(endpoints.map(endpoint => [operationName(endpoint), endpoint] as const))(
  'every example of %s is one that the server takes, or would answer',
  (name, endpoint) => {
    const { parameters, requestBody, responses } = documented.get(name)!
    const given = (where: string) =>
      Object.fromEntries(
        parameters.filter(each => each.in === where).map(({ name, example }) => [name, String(example)]),
      )
    const isMissing = parameters.filter(({ example }) => example === undefined)
    expect(isMissing).toEqual([])
    const faults = [
      endpoint.params?.safeParse(given('path')),
      endpoint.query?.safeParse(given('query')),
      endpoint.body?.safeParse(requestBody?.content['application/json']?.example),
      ...(endpoint.status === 204 || endpoint.stream === 'always'
        ? []
        : [endpoint.response.safeParse(responses[endpoint.status ?? 200]!.content?.['application/json']?.example)]),
    ].flatMap(result => result?.error?.issues ?? [])
    expect(faults).toEqual([])
  },
)

test('every problem that the table has is that of some operation, or of the door', () => {
  const named = new Set(operations().flatMap(({ codes }) => codes))
  const missing = Object.entries(problems).filter(([code, { status }]) => !named.has(code) && !atTheDoor.has(status))
  expect(missing).toEqual([])
})

test('what counts in an address is a number with its bounds and its default', () => {
  const limit = documented.get('mail.listMessages')!.parameters.find(({ name }) => name === 'limit')!
  expect(limit.schema).toMatchObject({ type: 'integer', minimum: 1, maximum: 100, default: 50 })
  const unbounded: string[] = []
  JSON.stringify(theDocument.paths, (key, node: Record<string, unknown> | null) => {
    if (node?.type === 'integer' && (node.minimum === undefined || node.maximum === undefined) && !key.match(/^\d+$/))
      unbounded.push(key)
    return node
  })
  expect(unbounded).toEqual([])
})
