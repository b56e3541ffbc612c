/** What JSON costs to read is bounded, whatever its length, and what is written in strings does not count. */
import { expect, test } from 'vitest'
import { isModest, maxDepth, maxNames, maxValues } from './http-body.ts'

const modest = (text: string) => isModest(Buffer.from(text))
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
