/** What is asked for, and what is read of the mail server afterwards, comes into the index in this order. */
import { expect, test } from 'vitest'
import { AccountExpectations } from '../index/expected-changes.ts'
import type { IndexOperations } from '../index/index-operations.ts'
import type { IndexFacts } from './index-facts.ts'
import { IndexWriter } from './index-writer.ts'
import { KnownStandings } from './known-standings.ts'

function setUp() {
  const written: string[] = []
  const writes = (name: string) => async () => {
    written.push(name)
    return { added: [], changed: 0, removed: 0, modseq: 1 }
  }
  const index = { applyExpected: writes('expected'), applyBatch: writes('batch') }
  const writer = new IndexWriter({
    index: index as unknown as IndexOperations,
    own: undefined,
    facts: { lowest: async () => 1, forward: async () => undefined } as unknown as IndexFacts,
    known: new KnownStandings(),
    expected: new AccountExpectations(),
    notice: () => undefined,
  })
  const folder = { path: 'INBOX', uidValidity: 1 }
  const expected = (messages: number) => ({
    ...folder,
    leaving: [],
    flags: [{ uids: Array.from({ length: messages }, (_, number) => number + 1), add: ['\\Seen'], remove: [] }],
  })
  return { writer, written, expected, batch: { ...folder, announces: false } }
}

test('a change of a thousand messages waits for the answer to it, and what is read after it waits for the change', async () => {
  const { writer, written, expected, batch } = setUp()
  const large = writer.show(expected(1_000), () => undefined)
  await new Promise(setImmediate)
  expect(written).toEqual([])
  await writer.apply(batch)
  await large
  expect(written).toEqual(['expected', 'batch'])
})

test('a change of a few messages is written at once', async () => {
  const { writer, written, expected, batch } = setUp()
  const small = writer.show(expected(3), () => undefined)
  await new Promise(setImmediate)
  expect(written).toEqual(['expected'])
  await Promise.all([small, writer.apply(batch)])
  expect(written).toEqual(['expected', 'batch'])
})
