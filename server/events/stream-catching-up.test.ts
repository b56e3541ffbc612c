/** Streams whose facts are being counted or read: what they get meanwhile, and how far behind they count. */
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Fact } from '../../contract/event.ts'
import type { Scope } from '../../contract/scope.ts'
import { heldStreams, turns } from '../../test/support/held-streams.ts'
import { admin } from '../../test/support/hub-on-http.ts'
import { mailFact, sampleEvent } from '../../test/support/sample-events.ts'
import { type Principal, scopeSet } from '../platform/principal.ts'

function token(accounts: string[], id = 'token-1', scopes: Scope[] = ['mail:meta']): Principal {
  return { id, name: 'Bot', kind: 'token', userId: 'u1', scopes: scopeSet(scopes), accounts: new Set(accounts) }
}

function mail(accountId: string, folder = 'INBOX'): Fact {
  const { type, data } = mailFact(accountId, 1)
  return { type, data: { ...data, folder } } as Fact
}

/** With these it gets states, too; and its view is its own, since webhooks have owners. */
const watching: Scope[] = ['mail:meta', 'dashboard:read']
/** With such a folder a fact fills a batch. */
const large = 'x'.repeat(66_000)

test('while its missed facts are counted a stream gets nothing, then the welcome, the newest states and the facts', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const { hub, log, subscribe, tell, holdReads } = await heldStreams({ heldInMemory: 1, heartbeatSeconds: 1 })
  const { type, data } = mailFact('a', 2)
  await tell(mail('a'), { type, data: { ...data, subject: 'Still in memory' } })
  const goOn = holdReads()
  const reader = subscribe(token(['a'], 'token-1', watching), { lastEventId: log.idOf(0) })
  hub.publishState(sampleEvent('stats_update'))
  vi.advanceTimersByTime(1_000)
  await turns()
  expect(reader.text).toBe('')
  goOn()
  await expect.poll(() => reader.numbers, { interval: 1 }).toEqual([1, 2])
  expect(reader.text).toContain('Still in memory')
  expect(reader.text).toMatch(/^retry: 3000\n\nevent: welcome\n/)
  const events = [...reader.text.matchAll(/^event: (\w+)/gm)].map(match => match[1])
  expect(events).toEqual(['welcome', 'stats_update', 'mail_received', 'mail_received'])
})

test('a reader has the same room whatever was told to others that see the same before it came', async () => {
  const { hub, log, subscribe, tell } = await heldStreams({ heldInMemory: 1_000 })
  subscribe(token(['a']))
  await tell(...Array.from({ length: 32 }, () => mail('a', large)))
  // Those from before it came are no credit either.
  const reader = subscribe(token(['a'], 'token-2'), { lastEventId: log.idOf(22), isHeld: true })
  await tell(...Array.from({ length: 14 }, () => mail('a', large)))
  for (let taken = 0; taken < 17; taken++) {
    reader.takeOne()
    await turns()
  }
  expect(reader.numbers.at(-1)).toBe(39)
  await tell(...Array.from({ length: 6 }, () => mail('a', large)))
  expect(hub.healthFor(admin).slow_consumers).toBe(0)
  await tell(...Array.from({ length: 6 }, () => mail('a', large)))
  expect(hub.healthFor(admin).slow_consumers).toBe(1)
})

test('what is told while a stream’s facts are counted makes its reader neither slower nor quicker', async () => {
  const { hub, log, subscribe, tell, holdReads } = await heldStreams({ heldInMemory: 40 })
  const tellLarge = (count: number) => tell(...Array.from({ length: count }, () => mail('a', large)))
  await tell(...Array.from({ length: 60 }, () => mail('a')))
  const goOn = holdReads()
  const reader = subscribe(token(['a']), { lastEventId: log.idOf(0), isHeld: true })
  await tellLarge(9)
  goOn()
  await expect.poll(() => reader.text, { interval: 1 }).toContain('welcome')
  await tellLarge(9)
  for (let taken = 0; taken < 18; taken++) {
    reader.takeOne()
    await turns()
  }
  expect(reader.numbers.at(-1)).toBe(77)
  await tellLarge(8)
  expect(hub.healthFor(admin).slow_consumers).toBe(0)
  await tellLarge(8)
  expect(hub.healthFor(admin).slow_consumers).toBe(1)
})

test('a stream whose rights change while it is behind is as far behind as before, however much others were told', async () => {
  const { hub, log, subscribe, tell, holdReads } = await heldStreams({ heldInMemory: 1 })
  subscribe(token(['a'], 'other'))
  await tell(...Array.from({ length: 32 }, () => mail('a', large)))
  const from = log.newest
  await tell(...Array.from({ length: 1_200 }, () => mail('a')))
  const reader = subscribe(token(['a', 'b']), { lastEventId: log.idOf(from), isHeld: true })
  await expect.poll(() => reader.text, { interval: 1 }).toContain('welcome')
  reader.takeOne()
  await expect.poll(() => reader.numbers.length, { interval: 1 }).toBe(500)
  const goOn = holdReads()
  // The first piece is taken, and the second one is asked for.
  reader.takeOne()
  await turns()
  hub.changePrincipal(token(['a']))
  goOn()
  await turns()
  await tell(mail('a'))
  expect([reader.destroyed, hub.healthFor(admin).slow_consumers]).toEqual([false, 0])
  reader.release()
  await expect.poll(() => reader.numbers.at(-1), { interval: 1 }).toBe(log.newest)
  expect(reader.numbers).toEqual(Array.from({ length: 1_201 }, (_, index) => from + 1 + index))
})

test('a change of rights sends no state again that says the same, and one that is for others is not sent at all', async () => {
  const { hub, subscribe, tell } = await heldStreams()
  const { type, data } = sampleEvent('stats_update')
  hub.publishState({ type, data })
  await turns()
  const reader = subscribe(token(['a'], 'token-1', watching))
  await turns()
  hub.changePrincipal(token(['a', 'b'], 'token-1', watching))
  await tell(mail('b'))
  expect(reader.text.match(/^event: stats_update$/gm)).toHaveLength(1)
  hub.publishState({ type, data }, () => undefined)
  await tell(mail('b'))
  expect(reader.text.match(/^event: stats_update$/gm)).toHaveLength(1)
  expect(reader.numbers).toEqual([1, 2])
})

test('a stream whose facts cannot be read is cut, whether it had its welcome or not, so that its client comes back', async () => {
  const { hub, log, subscribe, tell } = await heldStreams({ heldInMemory: 1 })
  await tell(...Array.from({ length: 1_200 }, () => mail('a')))
  const readSeen = log.readSeen.bind(log)
  let reads = 0
  const failFrom = (first: number) => {
    reads = 0
    vi.spyOn(log, 'readSeen').mockImplementation(async (...asked) => {
      if (++reads >= first) throw new Error('on purpose')
      return readSeen(...asked)
    })
  }
  for (const [first, told] of [
    [1, 0],
    [2, 500],
  ] as const) {
    failFrom(first)
    const reader = subscribe(token(['a'], `token-${first}`), { lastEventId: log.idOf(0) })
    await expect.poll(() => reader.destroyed, { interval: 1 }).toBe(true)
    expect(reader.numbers.length).toBe(told)
  }
  expect(hub.streamCount).toBe(0)
})

test('a stream that is revoked gets none of what happened before and was not sent yet', async () => {
  const { hub, subscribe, tell } = await heldStreams()
  const reader = subscribe(token(['a']))
  await tell(mail('a'))
  // Reported inside the process once the log has it, before any stream is served.
  hub.listen('mail_received', () => hub.closeStreamsOf('token-1'))
  await tell(mail('a'))
  expect(reader.numbers).toEqual([1])
  expect(reader.text).toContain('"reason":"revoked"')
})

test('a stop waits for what is being read, and the stream whose facts it was gets its goodbye alone', async () => {
  const { hub, log, subscribe, tell, holdReads } = await heldStreams({ heldInMemory: 1 })
  await tell(mail('a'), mail('a'), mail('a'))
  const goOn = holdReads()
  const reader = subscribe(token(['a']), { lastEventId: log.idOf(0) })
  let isStopped = false
  const stopped = hub.stop().then(() => {
    isStopped = true
  })
  await turns()
  expect([isStopped, reader.text.match(/^event: \w+/gm)]).toEqual([false, ['event: goodbye']])
  goOn()
  await stopped
  expect(reader.text.match(/^event: \w+/gm)).toEqual(['event: goodbye'])
})

test('what is forgotten while it is counted is a gap', async () => {
  const { log, subscribe, tell, holdReads } = await heldStreams({ heldInMemory: 1, keep: 2 })
  const dated = { ...mail('a'), data: { ...mail('a').data, at: new Date().toISOString() } } as Fact
  await tell(dated, dated, dated, dated)
  const goOn = holdReads()
  const reader = subscribe(token(['a']), { lastEventId: log.idOf(0) })
  await log.prune()
  goOn()
  await expect.poll(() => reader.text, { interval: 1 }).toContain('event: gap')
  expect(reader.text).toContain('"resumed":false,"replayed":0')
  await tell(dated)
  expect(reader.numbers).toEqual([5])
})
