/**
 * Traces of connections to mail servers: each command by its name, with those that fail marked, background work
 * included.
 */
import { expect, test } from 'vitest'
import { startTraced } from '../../test/support/traced.ts'
import type { LineListener } from '../accounts/protocol-log.ts'
import { Problem } from '../platform/problem.ts'
import { MemoryGateway } from './adapters/memory-gateway.ts'
import type { MailGateway } from './mail-gateway.ts'
import { TracedGateway } from './traced-gateway.ts'

const login = { host: 'imap.example.com', port: 993, tls: 'implicit', user: 'ann', password: 'secret' } as const
const options = { timeoutMs: 1_000, signal: new AbortController().signal }

test('commands are told by name, with what the server says to each, and the work that they are for', async () => {
  const { collector, tracer } = await startTraced()
  const memory = new MemoryGateway()
  let hear: LineListener = () => undefined
  const heard: string[] = []
  const gateway: MailGateway = {
    connect: async (of, given) => {
      hear = given.onLine ?? hear
      const connection = await memory.connect(of, given)
      const search = connection.search.bind(connection)
      connection.search = async (...args) => {
        hear('client', 'A1 UID SEARCH …')
        hear('client', 'A2 XZEBRAFINCH now')
        hear('server', '* SEARCH …')
        hear('server', 'A1 NO [LIMIT] zebrafinch')
        return search(...args)
      }
      connection.getMessage = async () => {
        throw new Problem('mail_server_timeout', 'zebrafinch', { fault: 'timeout' })
      }
      return connection
    },
    probe: async () => undefined,
  }
  const onLine: LineListener = (from, line) => void heard.push(`${from} ${line}`)
  const connection = await new TracedGateway(gateway, tracer).connect(login, { ...options, onLine })
  // Without a parent each span starts a trace of its own.
  await connection.search('INBOX', undefined, 10)
  const alone = await collector.until('imap search')
  expect(alone).toMatchObject({ parentId: '', attributes: { 'rustymail.is_background': true } })
  expect(collector.tree(alone)).toEqual(['imap search', '  UID SEARCH'])
  expect(collector.find('imap connect')).toMatchObject({ parentId: '' })
  await tracer.trace('work', {}, async () => {
    await connection.search('INBOX', undefined, 10)
    await expect(connection.getMessage('INBOX', 1, 10)).rejects.toThrow('zebrafinch')
    expect(connection.openFolder).toBe('INBOX')
  })
  const work = await collector.until('work')
  expect(collector.find('imap search', ({ parentId }) => parentId === work.spanId)!.attributes).not.toHaveProperty(
    'rustymail.is_background',
  )
  expect(collector.tree(work)).toEqual(['work', '  imap search', '    UID SEARCH', '  imap getMessage'])
  expect(collector.find('UID SEARCH')).toMatchObject({
    ...{ kind: 3, status: 2 },
    attributes: {
      ...{ 'network.protocol.name': 'imap', 'server.address': 'imap.example.com', 'server.port': 993 },
      ...{ 'rustymail.imap.command': 'UID SEARCH', 'rustymail.imap.status': 'NO', 'error.type': 'NO' },
    },
  })
  expect(collector.find('imap getMessage')).toMatchObject({ status: 2, attributes: { 'error.type': 'timeout' } })
  expect(heard).toContain('client A1 UID SEARCH …')
  expect(collector.text.toLowerCase()).not.toContain('zebrafinch')
  await connection.close()
})

test('of what the server does by itself no more is told than a collector takes beside requests', async () => {
  const { collector, tracer } = await startTraced()
  const connection = await new TracedGateway(new MemoryGateway(), tracer).connect(login, options)
  for (let count = 0; count < 700; count++) await connection.search('INBOX', undefined, 10)
  await tracer.trace('work', {}, () => connection.search('INBOX', undefined, 10))
  const work = await collector.until('work')
  expect(collector.tree(work)).toEqual(['work', '  imap search'])
  const alone = collector.spans.filter(({ parentId }) => parentId === '').length
  expect(alone).toBeGreaterThan(590)
  expect(alone).toBeLessThan(690)
  await connection.close()
})
