/** What is remembered of sessions of Streamable HTTP: little of each, and what an open stream needs as long as it is open. */
import { expect, test } from 'vitest'
import { WorkSession } from '../../contract/work-session.ts'
import { HttpSessions, openStream, runOf } from './http-sessions.ts'
import type { McpRevision } from './mcp-port.ts'
import { addUri, maxUriCharacters } from './watched-uris.ts'

const key = Buffer.alloc(32, 7)
const revision: McpRevision = '2025-11-25'
const capabilities = { sampling: { tools: {} }, elicitation: { url: {} } }
const handshake = { revision, peer: { name: 'desk', version: '1' }, capabilities }

test('of what a client declares only what is used is kept, as after a restart', () => {
  const sessions = new HttpSessions(key)
  const declared = { ...capabilities, experimental: { much: 'x'.repeat(50_000) }, sampling: { tools: { much: 'x' } } }
  const name = sessions.open({ ...handshake, capabilities: declared })
  expect(sessions.find(name, 'ann')).toMatchObject({ revision, peer: handshake.peer })
  expect(sessions.find(name, 'ann')?.capabilities).toEqual(capabilities)
  expect(new HttpSessions(key).find(name, 'ann')?.capabilities).toEqual(capabilities)
})

test('a session name carries the name of the client, however long, and cannot be forged', () => {
  const sessions = new HttpSessions(key)
  const named = (name: string, version: string) => sessions.open({ ...handshake, peer: { name, version } })
  const knownAfterwards = (name: string) => new HttpSessions(key).find(name, 'ann')?.peer
  for (const [name, version, known] of [
    ['claude-code', '2.1.63', { name: 'claude-code', version: '2.1.63' }],
    ['Visual Studio Code', '1.110.0', { name: 'Visual Studio Code', version: '1.110.0' }],
    ['x'.repeat(98), '1.0.0-beta', { name: 'x'.repeat(98), version: '1.0.0-beta' }],
    ['é'.repeat(100), '1', { name: 'é'.repeat(100), version: '' }],
    [`${'€'.repeat(66)}é€`, '', { name: `${'€'.repeat(66)}é`, version: '' }],
    ['', '', { name: '', version: '' }],
  ] as const) {
    const session = named(name, version)
    const run = runOf(session)
    expect([session, WorkSession.safeParse(run).success, knownAfterwards(session)]).toEqual([session, true, known])
    // With only the run's name, or with other words, nothing is found.
    if (run !== session)
      expect([sessions.find(run, 'ann'), sessions.find(`${run}.${'A'.repeat(40)}`, 'ann')]).toEqual([
        undefined,
        undefined,
      ])
    expect(sessions.find(`${session}.`, 'ann')).toBeUndefined()
  }
  expect(runOf('mine.own')).toBe('mine.own')
  const unnamed = sessions.open({ ...handshake, peer: undefined })
  expect([knownAfterwards(unnamed), sessions.find(unnamed, 'ann')?.revision]).toEqual([undefined, revision])
  // Another name under the same signature, and longer names.
  const [one, other] = [named('desk', '1'), named('disk', '1')].map(name => Buffer.from(name.slice(4), 'base64url'))
  const forged = [Buffer.concat([one!.subarray(0, 27), other!.subarray(27)]), Buffer.concat([one!, Buffer.alloc(20)])]
  for (const bytes of [...forged, one!.subarray(0, 27)]) {
    expect(sessions.find(`mcp-${bytes.toString('base64url')}`, 'ann')).toBeUndefined()
  }
})

test('the URIs of a session have a bound together, and each principal has its own', () => {
  const sessions = new HttpSessions(key)
  const name = sessions.open(handshake)
  const session = sessions.find(name, 'ann')!
  const uri = (n: number) => `mail://a/folders/${n}${'f'.repeat(1_000)}`
  const fill = () => {
    for (let n = 0; n < 100; n++) addUri(session.subscribed, uri(n))
  }
  expect(fill).toThrow(`${maxUriCharacters} characters in total`)
  expect(session.subscribed.size).toBe(16)
  // A URI that is already there needs no room.
  addUri(session.subscribed, uri(0))
  for (const principal of ['bob', 'cy']) expect(sessions.find(name, principal)?.subscribed).toEqual(new Set())
  expect(sessions.find(name, 'ann')).toBe(session)
})

test('however many sessions others open, one with a stream keeps what it subscribed to', () => {
  const sessions = new HttpSessions(key)
  const [listening, idle] = [sessions.open(handshake), sessions.open(handshake)]
  const session = sessions.find(listening, 'ann')!
  let ends = 0
  const close = openStream(session, { end: () => void ends++ })
  for (const name of [listening, idle]) addUri(sessions.find(name, 'ann')!.subscribed, 'mail://a')
  const flood = () => {
    for (let n = 0; n < 2_500; n++) sessions.find(sessions.open(handshake), 'bob')
  }
  flood()
  expect(sessions.find(listening, 'ann')?.subscribed).toEqual(new Set(['mail://a']))
  expect(sessions.find(idle, 'ann')?.subscribed).toEqual(new Set())
  // Another stream replaces it; the end of the old one changes nothing then.
  const closeNext = openStream(session, { end: () => undefined })
  expect(ends).toBe(1)
  close()
  expect(session.stream).toBeDefined()
  closeNext()
  flood()
  expect(sessions.find(listening, 'ann')?.subscribed).toEqual(new Set())
})
