/** What JSON costs to read is bounded, whatever its length, and what is written in strings does not count. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Endpoint } from '../../../contract/endpoint.ts'
import { api, operationName } from '../../../contract/index.ts'
import { findExcess, maxDepth, usualShape } from './body-bounds.ts'

const { names: maxNames, values: maxValues } = usualShape
const modest = (text: string) => findExcess(Buffer.from(text)) === undefined
const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
const items = (count: number) => `[${Array(count).fill('0').join(',')}]`
const names = (count: number) => `{${Array.from({ length: count }, (_, at) => `"${at}":0`).join(',')}}`

test('levels, names and values are counted, up to their bounds', () => {
  expect([modest(deep(maxDepth)), modest(deep(maxDepth + 1))]).toEqual([true, false])
  expect([modest(names(maxNames)), modest(names(maxNames + 1))]).toEqual([true, false])
  expect([modest(items(maxValues)), modest(items(maxValues + 1))]).toEqual([true, false])
  expect(modest(`[${deep(5)},${deep(5)},${deep(maxDepth - 1)}]`)).toBe(true)
  expect(modest(`[${Array(maxValues).fill('[]').join(',')}]`)).toBe(false)
})

test('what stands in a string is no structure, and a quote behind a backslash does not end it', () => {
  const marks = '[{:,'.repeat(5_000)
  expect(modest(`{"a":"${marks}"}`)).toBe(true)
  expect(modest(`{"a":"\\"${marks}\\\\"}`)).toBe(true)
  expect(modest(`{"a":"\\\\","b":"${marks}"}`)).toBe(true)
  expect(modest(`{"a":"\\\\",${'"b":0,'.repeat(maxNames)}"c":0}`)).toBe(false)
})

test('what is no JSON is left to the parser', () => {
  for (const text of ['', '"', '\\', ']]]]', '{"a', 'nonsense']) expect(modest(text)).toBe(true)
})

test('the field that holds too much is named, where its name can be told', () => {
  const list = items(maxValues)
  const fieldOf = (text: string) => findExcess(Buffer.from(text))?.field
  expect(fieldOf(`{"subject":"x, \\"to\\": y","cc":[],"to":${list},"bcc":[]}`)).toBe('to')
  expect(fieldOf(`{"to":[{"email":"x"},${list}]}`)).toBe('to')
  expect([fieldOf(list), fieldOf(`{"a b":${list}}`), fieldOf(`{"${'x'.repeat(90)}":${list}}`)]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
  expect(findExcess(Buffer.from(list), { names: 1, values: maxValues + 1 })).toBeUndefined()
})

interface Schema {
  type?: string
  properties?: Record<string, Schema>
  items?: Schema
  maxItems?: number
  anyOf?: Schema[]
  oneOf?: Schema[]
  $ref?: string
  $defs?: Record<string, Schema>
}

/** Returns the counts of the largest body that a schema allows; unbounded lists count once. */
function largest(schema: Schema, root: Schema): { names: number; values: number } {
  if (schema.$ref) return largest(root.$defs![schema.$ref.split('/').at(-1)!]!, root)
  const choices = schema.anyOf ?? schema.oneOf
  if (choices) {
    const all = choices.map(choice => largest(choice, root))
    return { names: Math.max(...all.map(({ names }) => names)), values: Math.max(...all.map(({ values }) => values)) }
  }
  if (schema.type === 'array') {
    const item = largest(schema.items ?? {}, root)
    const count = schema.maxItems ?? 1
    return { names: count * item.names, values: 1 + count * (item.values + 1) }
  }
  const members = Object.values(schema.properties ?? {}).map(member => largest(member, root))
  return members.reduce(
    (sum, { names, values }) => ({ names: sum.names + names + 1, values: sum.values + values + 1 }),
    { names: 0, values: 1 },
  )
}

test('what an endpoint documents as the most of its lists is no more than may be parsed', () => {
  const tooMuch = Object.values(api).flatMap(group =>
    Object.values(group).flatMap((one: Endpoint) => {
      if (!one.body) return []
      const schema = z.toJSONSchema(one.body, { io: 'input', unrepresentable: 'any' }) as Schema
      const { names, values } = largest(schema, schema)
      const shape = one.bodyShape ?? usualShape
      return names > shape.names || values > shape.values ? [[operationName(one), names, values]] : []
    }),
  )
  expect(tooMuch).toEqual([])
})
