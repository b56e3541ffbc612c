import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import {
  configOf,
  differencesOf,
  faultsOf,
  foreignChanges,
  touchesServer,
  withoutIdle,
  withTls,
} from './configuration-draft.ts'

// Renders the schema from the contract, as the build does.
vi.mock('../../contract/ImapConfiguration.schema', async () => {
  const { schemaOf } = await import('../../scripts/contract-plugin.ts')
  return { default: await schemaOf(join(import.meta.dirname, '../../contract'), 'ImapConfiguration') }
})

const config = {
  server_address: 'imap.example.org',
  port: 993,
  use_ssl: true,
  connection_timeout_seconds: 30,
  max_connections: 100,
  connection_pool_size: 4,
}

test('only what differs is a change, with both values', () => {
  const edits = { port: '143', use_ssl: false, max_connections: '100' }
  expect(differencesOf(config, edits)).toEqual([
    { name: 'port', before: '993', after: '143' },
    { name: 'use_ssl', before: 'on', after: 'off' },
  ])
  expect(withoutIdle(config, edits)).toEqual({ port: '143', use_ssl: false })
})

test('edits lie over what the server has, so that a change elsewhere of other fields is taken over', () => {
  expect(configOf({ ...config, connection_pool_size: 8 }, { port: ' 143 ' })).toEqual({
    ...config,
    port: 143,
    connection_pool_size: 8,
  })
})

test('a change elsewhere is told, and whether it is edited here too', () => {
  expect(foreignChanges(config, { ...config, port: 1993, max_connections: 50 }, { port: '143' })).toEqual([
    { name: 'port', before: '993', after: '1993', isEdited: true },
    { name: 'max_connections', before: '100', after: '50', isEdited: false },
  ])
})

test('numbers keep to the limits of the contract', () => {
  expect(faultsOf(config, {})).toEqual({})
  const faults = faultsOf(config, { port: '1e3', connection_timeout_seconds: '301', server_address: 'a b' })
  expect(faults.port).toBe('Enter a whole number from 1 to 65535')
  expect(faults.connection_timeout_seconds).toBe('Enter a whole number from 1 to 300')
  expect(faults.server_address).toBeDefined()
})

test('the whole server needs at least the connections of one account', () => {
  expect(faultsOf(config, { max_connections: '4' }).max_connections).toContain('At least 5')
  expect(faultsOf(config, { max_connections: '5' })).toEqual({})
})

test('the port follows TLS, unless it is one of their own', () => {
  expect(withTls(config, {}, false)).toEqual({ use_ssl: false, port: '143' })
  expect(withTls({ ...config, port: 1143 }, {}, false)).toEqual({ use_ssl: false })
})

test('only a changed server needs a trial', () => {
  expect(touchesServer(differencesOf(config, { max_connections: '50' }))).toBe(false)
  expect(touchesServer(differencesOf(config, { use_ssl: false }))).toBe(true)
})
