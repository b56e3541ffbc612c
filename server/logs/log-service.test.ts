/** The last lines as they are listed: filtered, in pages, followed, and for administrators of all accounts alone. */
import { expect, test } from 'vitest'
import { LogLines } from '../platform/log-lines.ts'
import { createLogger } from '../platform/logger.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { LogService } from './log-service.ts'

const admin: Principal = {
  ...{ id: 'session-1', name: 'Ada', kind: 'session', userId: 'ada', scopes: everyScope, accounts: 'all' },
}
const world = (maxLines = 2_000) => {
  const lines = new LogLines({ out: { write: () => undefined }, maxLines })
  const service = new LogService({ lines, level: 'debug' })
  const list = (query: Partial<Parameters<LogService['list']>[1]> = {}) => service.list(admin, { limit: 100, ...query })
  const messages = (query?: Parameters<typeof list>[0]) => list(query).items.map(({ message }) => message)
  return { logger: createLogger('debug', lines), service, list, messages }
}

test('lines are found by level, account, request and words, the newest first', () => {
  const { logger, messages, list } = world()
  logger.debug('quiet')
  logger.info({ account_id: 'a', request_id: 'r-1' }, 'of a')
  logger.warn({ account_id: 'b', host: 'IMAP.example.org' }, 'of b')
  logger.error({ request_id: 'r-1', err: new Error('the disk is full') }, 'a bug')
  expect(messages()).toEqual(['a bug', 'of b', 'of a', 'quiet'])
  expect(messages({ level: 'warn' })).toEqual(['a bug', 'of b'])
  expect(messages({ account_id: 'b' })).toEqual(['of b'])
  expect(messages({ request_id: 'r-1' })).toEqual(['a bug', 'of a'])
  expect(messages({ q: 'disk  BUG' })).toEqual(['a bug'])
  expect(messages({ q: 'imap.example' })).toEqual(['of b'])
  const [bug, ofB] = list().items
  expect(bug).toMatchObject({
    level: 'error',
    request_id: 'r-1',
    error: { type: 'Error', message: 'the disk is full' },
  })
  expect(bug!.error!.stack).toContain('\n')
  expect(ofB!.fields).toEqual({ host: 'IMAP.example.org' })
})

test('pages follow each other, and what comes after is told once', () => {
  const { logger, list, messages } = world()
  for (let count = 1; count <= 5; count++) logger.info(`line ${count}`)
  const first = list({ limit: 2 })
  expect(first.items.map(({ number }) => number)).toEqual([5, 4])
  logger.info('line 6')
  const second = list({ limit: 2, cursor: first.next_cursor! })
  expect(second.items.map(({ number }) => number)).toEqual([3, 2])
  expect(list({ limit: 2, cursor: second.next_cursor! })).toMatchObject({ next_cursor: null, items: [{ number: 1 }] })
  expect(messages({ after: first.newest })).toEqual(['line 6'])
  expect(list({ after: list().newest })).toMatchObject({ items: [], is_complete: true, next_cursor: null })
  for (let count = 7; count <= 9; count++) logger.info(`line ${count}`)
  expect(list({ after: first.newest, limit: 2 }).is_complete).toBe(false)
})

test('lines that are gone, and those of another process, are told as missing', () => {
  const { logger, list } = world(3)
  logger.info('one')
  const { newest } = list()
  for (let count = 0; count < 3; count++) logger.info('more')
  expect(list({ after: newest }).is_complete).toBe(true)
  logger.info('more')
  expect(list({ after: newest }).is_complete).toBe(false)
  const other = world()
  other.logger.info('first')
  expect(list({ after: other.list().newest })).toMatchObject({ is_complete: false })
  expect(list({ after: other.list().newest }).items.length).toBe(3)
  expect(() => list({ cursor: other.list().newest })).toThrow('started again')
  expect(list().held).toMatchObject({ lines: 3 })
})

test('an administrator of some accounts is refused, also the file', () => {
  const { service } = world()
  const some: Principal = { ...admin, accounts: new Set(['a']) }
  expect(() => service.list(some, { limit: 1 })).toThrow('all accounts')
  expect(() => service.export(some, {}).next()).toThrow('all accounts')
})

test('the file has the same lines, the oldest first; words of others are shown as escapes', () => {
  const { logger, service, list } = world()
  logger.info({ folder: 'Ships\u202e\r\n{"level":"fatal"}' }, 'one')
  logger.warn('two')
  const file = [...service.export(admin, {})].map(line => JSON.parse(line))
  expect(file).toEqual(list().items.toReversed())
  expect(file[0].fields.folder).toBe('Ships\\u202e\\u000d\\u000a{"level":"fatal"}')
  expect([...service.export(admin, { level: 'warn' })].length).toBe(1)
})
