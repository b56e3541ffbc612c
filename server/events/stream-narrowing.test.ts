/** Open streams when rights change: what is lost is lost immediately, and nothing else is. */
import { connect, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { Fact } from '../../contract/event.ts'
import type { Scope } from '../../contract/scope.ts'
import { admin, hubOnHttp } from '../../test/support/hub-on-http.ts'
import type { OpenStream } from '../../test/support/open-stream.ts'
import { sampleEvent } from '../../test/support/sample-events.ts'
import { type Principal, scopeSet } from '../platform/principal.ts'
import { type Sight, visibleAccounts } from '../platform/visible-figures.ts'

function mail(accountId: string, uid: number, folder = 'INBOX'): Fact {
  const at = new Date().toISOString()
  return { type: 'mail_received', data: { account_id: accountId, folder, uid, uid_validity: 1, at } }
}

function token(accounts: string[], scopes: Scope[] = ['mail:meta'], id = 'token-1'): Principal {
  return { id, name: 'Bot', kind: 'token', userId: 'u1', scopes: scopeSet(scopes), accounts: new Set(accounts) }
}

const numbersOf = (stream: OpenStream) =>
  stream.events.filter(event => event.id).map(event => Number(event.id!.split('-')[1]))

test('a stream that is narrowed does not get what was published before but not sent yet, and gets the rest in its place', async () => {
  const { hub, log, open, as, publish } = await hubOnHttp()
  as(token(['a', 'b']))
  const narrowed = await open()
  as(token(['a', 'b'], ['mail:meta'], 'token-2'))
  const other = await open()
  await Promise.all([narrowed.next('welcome'), other.next('welcome')])
  await publish(mail('b', 1), mail('a', 2))
  await narrowed.next('mail_received')
  // Reported inside the process once the log has it, before any stream is served.
  hub.listen('mail_received', ({ uid }) => uid === 3 && hub.changePrincipal(token(['a'])))
  await publish(mail('b', 3), mail('a', 4))
  await publish(mail('b', 5), mail('a', 6))
  await expect.poll(() => numbersOf(other)).toEqual([1, 2, 3, 4, 5, 6])
  await expect.poll(() => numbersOf(narrowed)).toEqual([1, 2, 4, 6])
  narrowed.close()

  as(token(['a']))
  const back = await open('', log.idOf(2))
  expect((await back.next('welcome')).data).toMatchObject({ resumed: true, replayed: 2 })
  hub.changePrincipal(token(['a', 'b']))
  await publish(mail('b', 7))
  await expect.poll(() => numbersOf(back)).toEqual([4, 6, 7])
})

test('a lost scope takes its facts and states away, and one that is given brings the newest states', async () => {
  const { hub, open, as, publish } = await hubOnHttp()
  hub.publishState(sampleEvent('stats_update'))
  as(token(['a'], ['mail:meta', 'dashboard:read']))
  const stream = await open()
  await stream.next('stats_update')
  hub.changePrincipal(token(['a']))
  hub.publishState(sampleEvent('stats_update'))
  await publish(sampleEvent('configuration_updated'), mail('a', 1))
  await stream.next('mail_received')
  expect(stream.events.map(({ event }) => event)).toEqual([
    'welcome',
    'stats_update',
    'session_changed',
    'mail_received',
  ])
  hub.changePrincipal(token(['a'], ['mail:meta', 'dashboard:read']))
  await stream.next('stats_update')
})

test('a state is counted for those that are told of it: the same bytes for equal lists and for all who see everything', async () => {
  const { hub, open, as } = await hubOnHttp()
  const told: string[] = []
  const publish = (uptime: number) => {
    const { type, data } = sampleEvent('stats_update')
    const summedFor = (sight: Sight) => {
      const accounts = [...(visibleAccounts(sight) ?? ['all'])]
      told.push(accounts.join())
      return { ...data, uptime_seconds: uptime, active_connections: accounts.length }
    }
    hub.publishState({ type, data: { ...data, uptime_seconds: uptime, active_connections: 10 } }, summedFor)
  }
  const see = async (who: Principal, query = '') => {
    as(who)
    const stream = await open(query)
    await stream.next('welcome')
    return stream
  }
  publish(0)
  const both = token(['a', 'b'], ['dashboard:read'])
  const streams = [
    await see(admin),
    await see({ ...admin, id: 'other' }, '?account_id=a'),
    await see(both),
    await see(token(['b', 'a'], ['dashboard:admin'], 'token-2'), '?account_id=b'),
    await see(token(['a'], ['dashboard:read'], 'token-3')),
    await see(token([], ['dashboard:read'], 'token-4')),
  ]
  publish(1)
  const connections = async (stream: OpenStream) => {
    const [first, second] = [await stream.next('stats_update'), await stream.next('stats_update')]
    return [first, second].map(({ data }) => (data as { active_connections: number }).active_connections)
  }
  const expected = [10, 10, 2, 2, 1, 0]
  expect(await Promise.all(streams.map(connections))).toEqual(expected.map(count => [count, count]))
  expect(told.slice(0, 3), 'when the streams came').toEqual(['a,b', 'a', ''])
  expect(told.slice(3).sort(), 'at the second state').toEqual(['', 'a', expect.stringMatching(/^(a,b|b,a)$/)])

  // Narrowed immediately, without waiting for the next state.
  hub.changePrincipal({ ...both, accounts: new Set(['b']) })
  expect((await streams[2]!.next('stats_update')).data).toMatchObject({ uptime_seconds: 1, active_connections: 1 })
})

test('while a long replay is read and rights come and go, each fact arrives once and in order, and nothing that is lost', async () => {
  const { hub, log, open, as, observed, heard, publish } = await hubOnHttp({ heldInMemory: 10 })
  const [wide, narrow] = [token(['a', 'b']), token(['a'])]
  const isLost = (number: number) => number % 2 === 0
  await publish(...Array.from({ length: 3_000 }, (_, index) => mail(isLost(index + 1) ? 'b' : 'a', index + 1)))
  as(wide)
  // During the count, before the first page.
  heard.opened = () => {
    hub.changePrincipal(narrow)
    hub.changePrincipal(wide)
  }
  let sent = 0
  heard.sent = () => {
    if (sent > 0 || observed.sent < 1_000) return
    sent = observed.sent
    // The next page is being read by then.
    queueMicrotask(() => hub.changePrincipal(narrow))
  }
  const stream = await open('', log.idOf(0))
  expect((await stream.next('welcome')).data).toMatchObject({ resumed: true, replayed: 3_000 })
  await expect.poll(() => sent).toBe(1_000)
  await publish(mail('b', 3_002), mail('a', 3_001))
  const numbers = Array.from({ length: 3_002 }, (_, index) => index + 1)
  const expected = numbers.filter(number => number <= sent || number === 3_002 || (number < 3_001 && !isLost(number)))
  await expect.poll(() => numbersOf(stream).at(-1)).toBe(3_002)
  expect(numbersOf(stream)).toEqual(expected)
})

test('how much was missed is counted without what was lost meanwhile', async () => {
  const { hub, log, open, as, heard, publish } = await hubOnHttp({ heldInMemory: 1 })
  await publish(mail('b', 1), mail('a', 2), mail('b', 3), mail('b', 4))
  as(token(['a', 'b']))
  heard.opened = () => hub.changePrincipal(token(['a']))
  const stream = await open('', log.idOf(0))
  expect((await stream.next('welcome')).data).toMatchObject({ resumed: true, replayed: 1 })
  await publish(mail('a', 5))
  await expect.poll(() => numbersOf(stream)).toEqual([2, 5])
})

for (const [how, take] of [
  ['narrowed', hub => hub.changePrincipal(token(['a']))],
  ['revoked', hub => hub.closeStreamsOf('token-1')],
] satisfies [string, (hub: Awaited<ReturnType<typeof hubOnHttp>>['hub']) => void][]) {
  test(`a reader that is behind does not get what waited for it when it is ${how}`, async () => {
    const { hub, as, heard, observed, port, publish } = await hubOnHttp()
    as(token(['a', 'b']))
    let server: Socket | undefined
    heard.opened = socket => {
      server = socket
    }
    const client = connect(port, '127.0.0.1')
    onTestFinished(() => void client.destroy())
    client.on('error', () => undefined)
    client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    client.pause()
    await expect.poll(() => hub.streamCount).toBe(1)
    let uid = 0
    // Until Node has written the end of the newest.
    while (server!.writableLength === 0) {
      await publish(mail('b', ++uid, `${'x'.repeat(50_000)}-${uid}-`))
      await expect.poll(() => observed.sent, { interval: 1 }).toBe(uid)
    }
    take(hub)
    expect(hub.streamCount).toBe(0)
    let text = ''
    client.on('data', chunk => {
      text += chunk
    })
    const closed = new Promise(resolve => client.once('close', resolve))
    client.resume()
    await closed
    expect(text.includes(`-${uid}-`)).toBe(false)
  })
}

test('a stream ends when its principal does, and at a new end that is set while it is open', async () => {
  const { hub, open, as } = await hubOnHttp()
  const endsAt = Date.now() + 700
  as({ ...token(['a']), endsAt })
  const ending = await open()
  as(token(['a'], ['mail:meta'], 'token-2'))
  const changed = await open()
  await changed.next('welcome')
  hub.changePrincipal({ ...token(['a'], ['mail:meta'], 'token-2'), endsAt })
  for (const stream of [ending, changed]) {
    expect((await stream.next('goodbye')).data).toEqual({ reason: 'revoked', reconnect_in_ms: 0 })
    expect(Date.now() - endsAt).toBeGreaterThanOrEqual(0)
    await stream.ended
  }
})

test('a request that was let in before its principal changed gets a stream of what it may now, or none', async () => {
  const { hub, open, as, publish } = await hubOnHttp()
  const before = token(['a', 'b'])
  as(before)
  hub.changePrincipal(token(['a']))
  const narrowed = await open()
  await narrowed.next('welcome')
  await publish(mail('b', 1), mail('a', 2))
  await expect.poll(() => numbersOf(narrowed)).toEqual([2])

  hub.closeStreamsOf(before.id)
  await narrowed.ended
  expect(() => hub.checkRoom(before)).toThrow(expect.objectContaining({ code: 'unauthorized' }))
  const refused = await open()
  expect((await refused.next('goodbye')).data).toMatchObject({ reason: 'revoked' })
  await refused.ended
  expect(refused.events.map(({ event }) => event)).toEqual(['goodbye'])

  hub.changePrincipal(before)
  const again = await open()
  await again.next('welcome')
  await publish(mail('b', 3))
  await expect.poll(() => numbersOf(again)).toEqual([3])
})
