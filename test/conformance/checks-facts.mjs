/** What one stream receives: the welcome, the states, and facts when they happen. */
import { promptMs } from './caller.mjs'
import { expectHead } from './checks-door.mjs'
import { expect, expectTime, list, Undecided } from './report.mjs'
import { idPattern } from './stream.mjs'

/** Facts made one after the other. The first may fall just before a buffer is emptied, so it is not measured. */
const factCount = 3
const maxFactCount = 8
/** Share of wall-clock time that this process must get: with less, it cannot judge the server. */
const busyShare = 0.7
/** Milliseconds after which a sample is considered held back, though it may still arrive. */
const sampleMs = 5_000
/**
 * Consistent delays above this mean that events are held back: they should come immediately, and slowness is not
 * seconds.
 */
export const heldBackMs = 2_000
/** Bound for a state that is sent every 5 s. */
const stateMs = 12_000
const crowded = 'too many user agents came from here in the last 15 minutes: no facts can be made, try again later'
const statsFields = [
  ...['active_connections', 'requests_per_minute', 'average_response_time_ms', 'system_cpu_usage'],
  ...['system_memory_usage', 'uptime_seconds', 'active_sse_connections', 'response_time_ms', 'imap', 'process'],
]
const connectedFields = ['client_id', 'kind', 'principal', 'ip_address', 'user_agent', 'at']

/** Returns whether there is a stream to check. */
export async function checkWelcome(probe) {
  const { report, streams, caller } = probe
  const isOpen = await report.check('GET answers 200 with the headers of a stream, not compressed', async () => {
    probe.main = await streams.open()
    const { answer } = probe.main
    if (answer.statusCode !== 200) throw new Error(`${answer.statusCode}: ${await caller.text(answer)}`)
    expectHead(answer)
  })
  if (!isOpen) return false
  return report.check('welcome is the first event, and retry comes with it', async () => {
    const { main } = probe
    await main.until(() => main.events[0] ?? main.faults[0], promptMs, 'nothing')
    expect(main.events.length > 0, `${main.faults[0]}`)
    const [{ event, data }] = main.events
    expect(event === 'welcome', `${event} came first`)
    expect(/^[a-z0-9]{1,32}$/.test(data.epoch), `epoch ${data.epoch}`)
    expect(typeof data.client_id === 'string' && data.client_id !== '', `client_id ${data.client_id}`)
    expect(data.resumed === false && data.replayed === 0, 'it says that something was resumed')
    expect(data.heartbeat_seconds > 0, `heartbeat_seconds ${data.heartbeat_seconds}`)
    expectTime(data.server_time)
    const isTold = main.blocks.some(block => /^retry: \d+$/m.test(block))
    probe.epoch = data.epoch
    expect(isTold, 'no retry')
  })
}

/** Answers whether there are facts with ids, to come back to. */
export async function checkFacts(probe) {
  const { report, main, isPartial, epoch } = probe
  let made = []
  const areTold = await report.check('facts arrive when they happen, not held back', async () => {
    made = await timeFacts(probe)
    for (const { data, text } of made) {
      for (const field of connectedFields) expect(typeof data[field] === 'string', `no ${field} in ${text}`)
      expectTime(data.at)
    }
  })
  const areNumbered = await report.check(
    `facts have ids <epoch>-<number>, ${isPartial ? 'rising' : 'densely numbered'}`,
    async () => {
      for (const { id, event } of made) expect(id !== undefined, `${event} without an id`)
      expectInOrder(probe, main.facts)
    },
  )
  // With wrong numbers, every replay is wrong too, which would prove nothing more.
  if (!areTold || !areNumbered) return false
  await report.check('a line with an id alone tells the place before the first fact', async () => {
    const [first] = main.facts
    const place = placeOf(main)
    expect(place !== undefined, 'none came behind the welcome')
    const [at, next] = [place, first.id].map(numberOf)
    expect(place.startsWith(`${epoch}-`), `the place ${place} in the epoch ${epoch}`)
    expect(isPartial ? at < next : at === next - 1, `the place ${place} before ${first.id}`)
  })
  probe.seen = made
  return true
}

/** Right after its start a server may have none yet. Answers whether they come. */
export async function checkStates({ report, main }) {
  return report.check('stats_update comes, with its figures', async () => {
    const { data, text } = await main.next(isState, stateMs, 'no stats_update')
    for (const field of statsFields) expect(field in data, `no ${field} in ${text.slice(0, 200)}`)
    expectTime(data.sampled_at)
  })
}

export async function checkMoreStates({ main }) {
  await main.until(() => main.events.filter(isState).length >= 2, stateMs, 'no second stats_update')
}

function isState({ event }) {
  return event === 'stats_update'
}

/** Creates a fact by a request of a new client. Returns the user agent, which the fact will name. */
export async function makeFact({ caller, agents, run }) {
  // Characters that must not break out of a field, nor out of the JSON in it.
  const agent = `event-stream-conformance/${run}-${agents.length + 1} ("id: 1", \\n\\r\\ndata: {})`
  agents.push(agent)
  const { statusCode } = await caller.head({ 'user-agent': agent })
  expect(statusCode === 200, `HEAD was answered with ${statusCode}`)
  return agent
}

/** Resolves with what the first stream receives of it. */
export async function hear(probe, agent) {
  const { main, waitMs } = probe
  try {
    return await awaited(main, agent, Math.min(sampleMs, waitMs))
  } catch (error) {
    if (isBroken(main)) throw error
  }
  if (await isCrowded(probe)) throw new Undecided(crowded)
  return awaited(main, agent, waitMs)
}

function awaited(main, agent, ms) {
  const found = () => {
    if (main.isGarbled) throw new Error(`the stream is written wrongly: ${list(main.faults)}`)
    return main.events.find(isOf(agent))
  }
  return main.until(found, ms, 'no client_connected of a new user agent')
}

function isBroken({ isOver, isGarbled }) {
  return isOver || isGarbled
}

/** Sequentially, so that none hides that another one is held back. If this machine is too busy, more are created. */
async function timeFacts(probe) {
  const { clock, main, waitMs } = probe
  const agents = []
  let least = Number.POSITIVE_INFINITY
  for (let count = 0; count < factCount || (least >= heldBackMs && count < maxFactCount); count++) {
    const began = { fair: clock.now(), wall: performance.now() }
    const agent = await makeFact(probe)
    agents.push(agent)
    const answered = clock.now()
    await awaited(main, agent, Math.min(sampleMs, waitMs)).catch(error => {
      if (isBroken(main)) throw error
    })
    const delay = (main.events.find(isOf(agent))?.at ?? clock.now()) - answered
    if (count > 0) least = Math.min(least, delay)
    const isBusy = clock.now() - began.fair < busyShare * (performance.now() - began.wall)
    if (count >= factCount - 1 && !isBusy) break
  }
  if (least >= heldBackMs && !main.events.some(isOf(agents[1])) && (await isCrowded(probe))) {
    throw new Undecided(crowded)
  }
  expect(least < heldBackMs, `held back: none came less than ${(least / 1000).toFixed(1)} s after it happened`)
  return Promise.all(agents.map(agent => hear(probe, agent)))
}

export function isOf(agent) {
  return ({ event, data }) => event === 'client_connected' && data.user_agent === agent
}

/** Many new user agents from one address are counted as one client, and then none of them is a fact any more. */
async function isCrowded({ streams, agents: all }) {
  const agents = ['one', 'two'].map(name => `event-stream-conformance/${name}-${Math.random()}`)
  all.push(...agents)
  const both = await Promise.all(agents.map(agent => streams.enter('', { 'user-agent': agent })))
  const [one, two] = both.map(({ welcome }) => welcome.client_id)
  for (const stream of both) stream.close()
  return one === two
}

/** Returns the place from the id that follows the welcome. */
export function placeOf(stream) {
  const place = stream.blocks.find(block => /^id: [^\n]+$/.test(block))
  return place?.slice('id: '.length)
}

export function numberOf(id) {
  return Number(id.split('-')[1])
}

export function expectInOrder({ epoch, isPartial }, facts) {
  expect(facts.length > 0, 'there was no fact')
  let last
  for (const { id } of facts) {
    const [, of] = idPattern.exec(id) ?? []
    expect(of === epoch, `id ${id} in the epoch ${epoch}`)
    const number = numberOf(id)
    expect(last === undefined || number > last, `${id} came behind ${last}`)
    expect(last === undefined || isPartial || number === last + 1, `${id} came behind ${last}`)
    last = number
  }
}
