/** A client that reconnects gets what it missed, or else a gap; and filters apply to both. */
import { promptMs } from './caller.mjs'
import { hear, isOf, makeFact, numberOf, placeOf } from './checks-facts.mjs'
import { expect, list } from './report.mjs'
import { idPattern } from './stream.mjs'

/** Milliseconds until a fact that the first stream has received arrives on another. */
export const followMs = 5_000

/** Answers whether one can come back. */
export async function checkReplay(probe) {
  const { report, seen, main, streams } = probe
  const [first, second] = seen
  const header = { 'last-event-id': first.id }
  const hasNoAccount = ({ data }) => data.account_id === undefined
  const ways = [
    { name: 'who comes back with Last-Event-ID gets what was missed, once, in order, before what is new' },
    { name: 'last_event_id in the query does the same', query: `last_event_id=${first.id}`, headers: {} },
    { name: 'the header wins over the query', query: `last_event_id=${first.id}`, after: second.id },
    { name: 'the place told behind the welcome can be come back to', after: placeOf(main) },
    {
      name: 'types leaves out every other type',
      query: 'types=mail_received&types=client_connected',
      isFact: ({ event }) => event === 'mail_received' || event === 'client_connected',
      hasStates: false,
    },
    { name: 'account_id lets facts of no account through', query: 'account_id=no-such-account', isFact: hasNoAccount },
  ]
  const quiet = streams.enter('types=stats_update', header)
  quiet.catch(() => undefined)
  // Facts happen while they come back.
  const opened = ways.map(({ query = '', after = first.id, headers = { 'last-event-id': after } }) => {
    const known = main.facts.length
    return streams.enter(query, headers).then(
      stream => ({ stream, known, after }),
      error => ({ error }),
    )
  })
  const agents = await Promise.all([makeFact(probe), makeFact(probe)])
  await Promise.all(opened)
  const mark = await makeFact(probe)
  for (const agent of [...agents, mark]) await hear(probe, agent)
  probe.heardAt = probe.clock.now()
  const [comesBack] = await report.checkAll(
    ways.map(({ name, isFact = () => true, hasStates = true }, index) => [
      name,
      async () => {
        const { stream, known, after, error } = await opened[index]
        if (error) throw error
        await expectReplay(probe, { stream, known, after, isFact, mark })
        const types = stream.events.map(({ event }) => event)
        expect(hasStates || !types.includes('stats_update'), 'it had states')
      },
    ]),
  )
  await report.check('types of states alone lets no fact through, and replays none', async () => {
    probe.quiet = await quiet
    const { resumed, replayed } = probe.quiet.welcome
    expect(resumed === true && replayed === 0, `resumed ${resumed}, replayed ${replayed}`)
  })
  if (probe.hasStates)
    await report.check('the newest states come behind the welcome, before what was missed', async () => {
      const { stream, error } = await opened[0]
      if (error) throw error
      const types = stream.events.map(({ event }) => event)
      const place = types.indexOf('stats_update')
      expect(place > 0 && place < stream.events.indexOf(stream.facts[0]), `it began ${types.slice(0, 5).join(', ')}`)
    })
  for (const { stream } of await Promise.all(opened)) stream?.close()
  return comesBack
}

async function expectReplay({ main, epoch }, { stream, known, after, isFact, mark }) {
  const { welcome } = stream
  expect(welcome.resumed === true, `welcome says resumed ${welcome.resumed}`)
  expect(welcome.epoch === epoch, `epoch ${welcome.epoch}`)
  await stream.next(isOf(mark), followMs, 'no new fact')
  const isWanted = fact => numberOf(fact.id) > numberOf(after) && isFact(fact)
  const least = main.facts.slice(0, known).filter(isWanted).length
  const wanted = upTo(main, mark).filter(isWanted)
  expectSame(upTo(stream, mark), wanted)
  // All but the last one had happened before the welcome, or may have.
  const { replayed } = welcome
  expect(replayed >= least && replayed < wanted.length, `welcome says replayed ${replayed} of ${wanted.length - 1}`)
}

export async function checkGaps(probe) {
  const { report, epoch, main, streams } = probe
  const newest = numberOf(main.facts.at(-1).id)
  const forged = 'x-1\n\nevent: forged\ndata: {}\n\n\r\n'
  const ways = [
    ['of another epoch', 'zzzzzzzz-1', 'unknown_epoch'],
    ['that is still to come', `${epoch}-${newest + 1_000_000}`, 'unknown_epoch'],
    ['without a number', 'rubbish', 'malformed'],
    ['with a leading zero', `${epoch}-01`, 'malformed'],
    ['with a sign', `${epoch}--1`, 'malformed'],
    ['with line ends and an event in it', forged, 'malformed', `last_event_id=${encodeURIComponent(forged)}`],
  ]
  const known = main.facts.length
  const opened = ways.map(([, id, , query]) =>
    streams.enter(query ?? '', query ? {} : { 'last-event-id': id }).catch(error => ({ error })),
  )
  const nothing = streams.enter('', { 'last-event-id': '' }).catch(error => ({ error }))
  await Promise.all([...opened, nothing])
  const mark = await makeFact(probe)
  await hear(probe, mark)
  await report.checkAll([
    ...ways.map(([what, , reason], index) => [
      `an id ${what} is a gap, ${reason}`,
      async () => expectGap(probe, { stream: await opened[index], reason, mark, known }),
    ]),
    [
      'an empty id counts as none',
      async () => {
        const stream = await nothing
        if (stream.error) throw stream.error
        await expectOnlyNew(probe, { stream, mark, known })
        expect(!stream.events.some(({ event }) => event === 'gap'), 'it had a gap')
      },
    ],
  ])
  const gap = (await opened[0]).events?.find(({ event }) => event === 'gap')
  probe.oldest = gap && gap.data.oldest_id !== null ? numberOf(gap.data.oldest_id) : undefined
  for (const stream of await Promise.all([...opened, nothing])) stream.close?.()
  await checkExpired(probe)
}

async function expectGap(probe, { stream, reason, mark, known }) {
  if (stream.error) throw stream.error
  await stream.until(() => stream.events[1], promptMs, 'no gap')
  const [, gap] = stream.events
  expect(gap.event === 'gap', `${gap.event} came behind the welcome, not a gap`)
  expect(gap.data.reason === reason, `the reason is ${gap.data.reason}`)
  const { oldest_id, newest_id } = gap.data
  for (const id of [oldest_id, newest_id]) {
    expect(idPattern.exec(id)?.[1] === probe.epoch, `oldest_id ${oldest_id}, newest_id ${newest_id}`)
  }
  const last = numberOf(probe.main.facts[known - 1].id)
  expect(numberOf(oldest_id) <= last && last <= numberOf(newest_id), `${oldest_id} to ${newest_id} without ${last}`)
  await expectOnlyNew(probe, { stream, mark, known })
  expect(stream.events.filter(({ event }) => event === 'gap').length === 1, 'it had two gaps')
  expect(!stream.events.some(({ event }) => event === 'forged'), 'an event was forged through the id')
}

/** It continues with new facts. */
async function expectOnlyNew({ main }, { stream, mark, known }) {
  const { resumed, replayed } = stream.welcome
  expect(resumed === false && replayed === 0, `welcome says resumed ${resumed}, replayed ${replayed}`)
  await stream.next(isOf(mark), followMs, 'no new fact')
  const [got, told] = [upTo(stream, mark), upTo(main, mark)]
  expect(got.length <= told.length - known, `facts from before came: ${list(got.map(({ id }) => id))}`)
  expectSame(got, told.slice(-got.length))
}

async function checkExpired(probe) {
  const { report, oldest, streams, epoch } = probe
  if (oldest === undefined || oldest < 3) return report.note('not checked: an expired id, for the log holds everything')
  await report.check('an id that the log does not reach back to is a gap, expired', async () => {
    const stream = await streams.enter('', { 'last-event-id': `${epoch}-${oldest - 2}` })
    const { event, data } = await stream.until(() => stream.events[1], promptMs, 'no gap')
    expect(event === 'gap' && data.reason === 'expired', `${event} ${data.reason ?? ''} came behind the welcome`)
    expect(stream.welcome.resumed === false, 'welcome says that it resumed')
    stream.close()
  })
}

/** The facts of a stream, up to that of a user agent. */
export function upTo(stream, agent) {
  const { facts } = stream
  return facts.slice(0, facts.findIndex(isOf(agent)) + 1)
}

/** Compares literally. */
export function expectSame(got, wanted) {
  const show = fact => (fact ? `${fact.id} ${fact.event} ${fact.text}` : 'nothing')
  const length = Math.max(got.length, wanted.length)
  const wrong = Array.from({ length }).findIndex((_, place) => show(got[place]) !== show(wanted[place]))
  expect(wrong < 0, `${show(got[wrong]).slice(0, 150)} instead of ${show(wanted[wrong]).slice(0, 150)}`)
}
