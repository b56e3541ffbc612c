/** Event streams whose ids, replays, gaps or filters are wrong. */
import { type Behaviour, encode, type Frame, good, type StreamContext } from './event-stream-behaviour.ts'
import {
  eachFact,
  type Fault,
  gapInstead,
  isFact,
  isState,
  notWritten,
  raw,
  replay,
  without,
} from './event-stream-fault-kinds.ts'

const prompt = 'facts arrive when they happen'
const ids = 'facts have ids'
const comesBack = 'who comes back with Last-Event-ID'
const inQuery = 'last_event_id in the query'
const headerWins = 'the header wins'
const types = 'types leaves out'
const statesAlone = 'a stream of states alone'
const accounts = 'account_id leaves out facts of other accounts'
const whole = 'the stream that was open all the time'
const grammar = 'every line of every stream'

export const orderFaults: Fault[] = [
  ['facts without ids', ids, { encode: ({ id: _, ...frame }) => encode(frame) }],
  ['numbers with holes', ids, { numberStep: 2 }],
  ['ids of another epoch', ids, raw(text => text.replace(/^id: k3f9-/m, 'id: other-'))],
  ['ids that go down', ids, raw(text => text.replace(/^id: k3f9-(\d+)/m, (_, n) => `id: k3f9-${9_000 - Number(n)}`))],
  ['ids with zeros before', ids, raw(text => text.replace(/^id: k3f9-/m, 'id: k3f9-00'))],
  ['facts without a time', prompt, without('client_connected', 'at')],
  ['a fact is told twice', ids, eachFact(frame => [frame, frame])],
  [
    'a fact is lost now and then',
    whole,
    eachFact((frame, { index, held }) => (index === 0 && held.push(frame) === 11 ? [] : [frame])),
  ],
  [
    'states with ids',
    grammar,
    { later: (frames, { log }) => frames.map(f => (isState(f) ? { id: `k3f9-${log.newest}`, ...f } : f)) },
  ],
  [
    'heartbeats with ids',
    // An early one breaks the order before the heartbeat check runs.
    grammar,
    { later: frames => frames.map(f => (f.event === 'heartbeat' ? { id: 'k3f9-1', ...f } : f)) },
  ],

  ['nothing is replayed', comesBack, replay(() => [])],
  ['the first that was missed is left out', comesBack, replay(facts => facts.slice(1))],
  ['the last that was missed is left out', comesBack, replay(facts => facts.slice(0, -1))],
  ['the replay begins with what one has', comesBack, { locate: (log, id) => lower(log.locate(id)) }],
  ['the replay has one twice', comesBack, replay(facts => [facts[0]!, ...facts])],
  ['the replay is turned round', comesBack, replay(facts => facts.toReversed())],
  [
    'the replay has other data',
    comesBack,
    replay(facts => facts.map(f => ({ ...f, data: { ...f.data, at: new Date().toISOString() } }))),
  ],
  [
    'what was missed comes behind what is new',
    comesBack,
    {
      ...replay((facts, { held }) => {
        held.push(...facts)
        return []
      }),
      ...eachFact((frame, { held }) => [frame, ...held.splice(0)]),
    },
  ],
  ['the id in the query is ignored', inQuery, { lastEventId: headers => headers['last-event-id']?.toString() }],
  [
    'the query wins over the header',
    headerWins,
    { lastEventId: (h, q) => q.get('last_event_id') ?? good.lastEventId(h, q) },
  ],

  ['no gap for another epoch', 'an id of another epoch', gapInstead('unknown_epoch', { after: 41 })],
  ['a wrong reason for another epoch', 'an id of another epoch', gapInstead('unknown_epoch', { gap: 'expired' })],
  ['an id still to come is taken', 'an id that is still to come', futureTaken()],
  ['no gap for rubbish', 'an id without a number', gapInstead('malformed', { after: 41 })],
  ['a wrong reason for rubbish', 'an id without a number', gapInstead('malformed', { gap: 'unknown_epoch' })],
  [
    'an id with a leading zero is taken',
    'an id with a leading zero',
    { locate: (log, id) => log.locate(id.replace(/-0+/, '-')) },
  ],
  ['an expired id is taken', 'an id that the log does not reach', gapInstead('expired', { after: 0 })],
  [
    'an empty id is a gap',
    'an empty id',
    { lastEventId: (h, q) => (h['last-event-id'] === '' ? 'x' : good.lastEventId(h, q)) },
  ],
  ['no gap is told', 'an id of another epoch', notWritten(({ event }) => event === 'gap')],
  [
    'a gap comes twice',
    'an id of another epoch',
    { opening: frames => frames.flatMap(f => (f.event === 'gap' ? [f, f] : [f])) },
  ],
  ['a gap without newest_id', 'an id of another epoch', without('gap', 'newest_id')],
  ['a gap replays all the same', 'an id of another epoch', { opening: replayAnyway }],
  [
    'an event can be forged through the id',
    'an id with line ends',
    { opening: (f, { lastEventId }) => echo(f, lastEventId) },
  ],

  [
    'types is ignored for facts',
    statesAlone,
    { sees: (fact, filter) => good.sees(fact, { ...filter, types: undefined }) },
  ],
  ['types is ignored for replays', statesAlone, replayUnfiltered()],
  ['types is ignored for states', types, { seesStates: () => true }],
  [
    'types of states lets facts through',
    'types of states alone',
    {
      sees: (f, { types: t, accounts: a }) =>
        good.sees(f, { types: t?.includes('stats_update') ? undefined : t, accounts: a }),
    },
  ],
  ['account_id is ignored', accounts, { sees: (fact, filter) => good.sees(fact, { ...filter, accounts: undefined }) }],
  [
    'only the first account_id counts',
    accounts,
    { sees: (f, { types: t, accounts: a }) => good.sees(f, { types: t, accounts: a?.slice(0, 1) }) },
  ],
]

function lower(place: ReturnType<Behaviour['locate']>): ReturnType<Behaviour['locate']> {
  return 'gap' in place ? place : { after: place.after - 1 }
}

function futureTaken(): Partial<Behaviour> {
  return {
    locate: (log, id) => {
      const number = Number(id.split('-')[1])
      return id.startsWith(`${log.epoch}-`) && number > log.newest ? { after: number } : log.locate(id)
    },
  }
}

function replayAnyway(frames: Frame[], { log }: StreamContext): Frame[] {
  if (!frames.some(({ event }) => event === 'gap')) return frames
  const last = log.facts.slice(-2).map(({ number, event, data: of }) => ({ id: `k3f9-${number}`, event, data: of }))
  return [...frames.slice(0, -1), ...last, ...frames.slice(-1)]
}

function echo(frames: Frame[], lastEventId: string | undefined): Frame[] {
  return lastEventId === undefined ? frames : [...frames, { raw: `id: ${lastEventId}\n\n` }]
}

function replayUnfiltered(): Partial<Behaviour> {
  return {
    opening: (frames, { log, lastEventId, filter }) => {
      const place = log.locate(lastEventId ?? '')
      if ('gap' in place) return frames
      const missed = log.facts.filter(
        fact => fact.number > place.after && good.sees(fact, { ...filter, types: undefined }),
      )
      const told = missed.map(({ number, event, data: of }) => ({ id: `k3f9-${number}`, event, data: of }))
      return [...frames.filter(frame => !isFact(frame)).slice(0, -1), ...told, ...frames.slice(-1)]
    },
  }
}
