/** What only time tells: heartbeats, silence where a filter asks for it, goodbyes, and whether all kept its order. */
import { promptMs } from './caller.mjs'
import { checkMoreStates, expectInOrder, hear, heldBackMs, makeFact } from './checks-facts.mjs'
import { expect, expectTime, list } from './report.mjs'

export async function checkHeartbeat({ report, main, quiet, heardAt, hasStates }) {
  const beatMs = (2 * main.welcome.heartbeat_seconds + 5) * 1000
  await report.checkAll([
    [
      'the heartbeat comes in time, with a comment and without an id',
      async () => {
        const heartbeat = await main.next(({ event }) => event === 'heartbeat', beatMs, 'no heartbeat')
        expectTime(heartbeat.data.server_time)
        expect(heartbeat.id === undefined, `id ${heartbeat.id}`)
        const place = main.blocks.findIndex(block => block.includes('event: heartbeat'))
        const isAnnounced = main.blocks[place - 1] === ': ping' || main.blocks[place].startsWith(': ping\n')
        expect(isAnnounced, 'no comment before it')
      },
    ],
    [
      'a stream of states alone has those and no fact',
      async () => {
        expect(quiet !== undefined, 'it was not opened')
        // Waits for something that follows the fact in the stream's order.
        await quiet.next(({ at }) => at > heardAt, beatMs, 'nothing more')
        const types = quiet.events.map(({ event }) => event)
        expect(quiet.facts.length === 0, `it had ${list(quiet.facts.map(({ event }) => event))}`)
        expect(!hasStates || types.includes('stats_update'), `it had ${list(types)}`)
      },
    ],
    ...(hasStates ? [['stats_update comes again and again', () => checkMoreStates({ main })]] : []),
  ])
  quiet?.close()
}

/** Milliseconds from a goodbye to the end of its stream. */
const endMs = 5_000

/** If the token may disconnect clients: one that this script created. */
export async function checkGoodbye(probe) {
  const { report, caller, streams, agents, run } = probe
  const agent = `event-stream-conformance/${run}-kicked`
  agents.push(agent)
  const stream = await streams.enter('types=stats_update', { 'user-agent': agent }).catch(error => ({ error }))
  const id = stream.welcome?.client_id
  const answer = id === undefined ? undefined : await disconnect(caller, id)
  if ([401, 403, 404, 405].includes(answer?.statusCode)) {
    report.note(`not checked: goodbye, for the token may not disconnect a client (${answer.statusCode})`)
    stream.close()
    probe.mayDisconnect = false
    return
  }
  await report.check('who is disconnected gets a goodbye that names a time, and then the stream ends', async () => {
    if (stream.error) throw stream.error
    expect(answer.statusCode === 204, `status ${answer.statusCode}`)
    await stream
      .until(() => stream.isOver || isBye(stream.events.at(-1)), promptMs, 'neither goodbye nor end')
      .catch(error => {
        if (!stream.isOver) throw error
      })
    const last = stream.events.at(-1)
    expect(isBye(last), `it ended after ${last.event}`)
    expect(last.data.reason === 'kicked', `the reason is ${last.data.reason}`)
    expect(Number.isInteger(last.data.reconnect_in_ms), `reconnect_in_ms ${last.data.reconnect_in_ms}`)
    // For EventSource, which ignores the field above.
    expect(last.retry === String(last.data.reconnect_in_ms), `retry ${last.retry}`)
    await ended(stream)
    expect(stream.events.at(-1) === last, `${stream.events.at(-1).event} came behind the goodbye`)
  })
  stream.close?.()
}

function isBye({ event }) {
  return event === 'goodbye'
}

async function ended(stream) {
  const over = stream.until(() => false, endMs, 'no end')
  await over.catch(error => {
    if (!stream.isOver) throw error
  })
}

/** Disconnects the clients of this run, if the token may, so that many runs do not fill the list of clients. */
export async function leave({ main, caller, agents, mayDisconnect }) {
  if (main === undefined || mayDisconnect === false) return
  const made = main.events.filter(({ event, data }) => event === 'client_connected' && agents.includes(data.user_agent))
  for (const { data } of made) {
    const { statusCode } = await disconnect(caller, data.client_id)
    if (statusCode === 401 || statusCode === 403) return
  }
}

async function disconnect(caller, clientId) {
  const answer = await caller.delete(`clients/${encodeURIComponent(clientId)}`)
  answer.resume()
  return answer
}

/** Judged by the fastest of all streams so far. Returns whether it holds. */
export async function checkOpening({ report, streams }) {
  return report.check('what comes with the opening is not held back', async () => {
    const opened = streams.all.filter(({ events }) => events[0]?.event === 'welcome')
    const least = find => Math.min(...opened.map(find).map(event => event?.afterMs ?? Number.POSITIVE_INFINITY))
    const welcome = least(({ events }) => events[0])
    expect(welcome < heldBackMs, `no welcome came less than ${(welcome / 1000).toFixed(1)} s after it was asked for`)
    const missed = least(({ events, facts }) => (events[0].data.replayed > 0 ? facts[0] : undefined))
    expect(
      missed < heldBackMs,
      `nothing that was missed came less than ${(missed / 1000).toFixed(1)} s after it was asked for`,
    )
  })
}

export async function checkWhole(probe) {
  const { report, main, caller } = probe
  // After it nothing is missing any more.
  await hear(probe, await makeFact(probe))
  await report.check('the stream that was open all the time had every fact once and in order', async () => {
    expectInOrder(probe, main.facts)
    expect(!main.isOver, `it ended after ${main.events.at(-1).event}`)
  })
  await report.check('429 and 503 name in Retry-After when to come back', async () => {
    expect(caller.faults.length === 0, list(caller.faults))
  })
}

export async function checkGrammar({ report, streams }) {
  await report.check('every line of every stream is a field or a comment, and facts alone have an id', async () => {
    const faults = streams.all.flatMap(stream => stream.faults)
    expect(faults.length === 0, list(faults))
  })
}
