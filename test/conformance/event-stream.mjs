#!/usr/bin/env node
/**
 * Checks that an event stream keeps what docs/events.md promises. Needs Node 20 or newer and nothing else.
 *
 *   node event-stream.mjs <url> [--token T] [--wait seconds] [--partial]
 *
 * The url is that of the server or of the stream itself. The token may stand in RUSTYMAIL_API_KEY instead. `--wait` says
 * how long to wait for facts to happen (60 s), `--partial` that the token does not see everything, so that numbers may be
 * left out. It makes facts happen by asking under new user agents, each of which is a client_connected; nothing is changed.
 * One line a check; exits with 1 when one failed, with 2 when it was called wrongly.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'

const { url, token, waitMs, isPartial } = readArguments()
const run = Math.random().toString(36).slice(2, 10)
/** For an answer, and for what should come at once. */
const promptMs = 5_000
/** Whatever the server does, this ends. */
const wholeMs = 180_000 + waitMs
/** Events without an id; all others are facts. */
const withoutId = new Set(['welcome', 'heartbeat', 'session_changed', 'gap', 'goodbye', 'stats_update', 'audit_update'])
const opened = []
let failures = 0
let agents = 0

setTimeout(() => {
  console.log(`not ok   everything within ${wholeMs / 1000} s`)
  process.exit(1)
}, wholeMs).unref()

/** One connection: what came, as it came, and what is wrong with how it is written. */
class Stream {
  events = []
  blocks = []
  faults = []
  isOver = false
  #text = ''
  #abort = new AbortController()
  #wake = () => undefined

  static async open(query = '', headers = {}) {
    const stream = new Stream()
    opened.push(stream)
    const answer = ask('GET', query, { accept: 'text/event-stream', ...headers }, stream.#abort.signal)
    stream.response = await within(promptMs, answer, 'an answer')
    if (stream.response.status === 200) stream.#read()
    return stream
  }

  /** The first event that fits and stands at or behind a place. */
  async next(fits, ms = promptMs, from = 0) {
    const end = Date.now() + ms
    for (;;) {
      const index = this.events.findIndex((event, place) => place >= from && fits(event))
      if (index >= 0) return this.events[index]
      if (this.isOver) throw new Error(`the stream ended; it had ${list(this.events.map(event => event.event))}`)
      if (Date.now() >= end) throw new Error(`nothing within ${ms / 1000} s; it had ${this.events.length} events`)
      const arrival = new Promise(resolve => {
        this.#wake = resolve
      })
      await Promise.race([arrival, pause(Math.min(end - Date.now(), 1_000))])
    }
  }

  /** So many facts in the order in which they came. */
  async take(count, ms = promptMs) {
    await this.next(() => this.facts.length >= count, ms)
    return this.facts.slice(0, count)
  }

  get facts() {
    return this.events.filter(event => event.id !== undefined)
  }

  close() {
    this.#abort.abort()
  }

  async #read() {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    try {
      for await (const bytes of this.response.body) this.#take(decoder.decode(bytes, { stream: true }))
    } catch (error) {
      if (!this.#abort.signal.aborted) this.faults.push(`the stream broke: ${error.message}`)
    }
    this.isOver = true
    this.#wake()
  }

  #take(text) {
    if (/[\r\0\uFEFF]/.test(text)) this.faults.push('a CR, a NUL or a byte order mark')
    this.#text += text
    const blocks = this.#text.split('\n\n')
    this.#text = blocks.pop()
    for (const block of blocks) this.#block(block)
    this.#wake()
  }

  #block(block) {
    this.blocks.push(block)
    const fields = {}
    for (const line of block.split('\n')) {
      if (line.startsWith(':')) continue
      const [, name, value] = /^(id|event|data|retry): (.*)$/.exec(line) ?? []
      if (name === undefined) this.faults.push(`a line that is no field: ${JSON.stringify(line.slice(0, 80))}`)
      else if (name in fields) this.faults.push(`${name} twice in one event`)
      else fields[name] = value
    }
    if ('retry' in fields && !/^\d+$/.test(fields.retry)) this.faults.push('retry is no number')
    if (!('data' in fields)) {
      // An id alone is no event: it moves the reader's place past what its filter hides.
      if ('event' in fields) this.faults.push('an event without data')
      else if ('id' in fields && !/^[a-z0-9]+-\d+$/.test(fields.id)) this.faults.push(`the id ${fields.id}`)
      return
    }
    if (!/^[a-z_]+$/.test(fields.event ?? '')) this.faults.push(`the type ${JSON.stringify(fields.event)}`)
    if ((fields.id === undefined) !== withoutId.has(fields.event))
      this.faults.push(`${fields.event} with id ${fields.id}`)
    this.events.push({ id: fields.id, event: fields.event, text: fields.data, data: this.#parse(fields.data) })
  }

  #parse(text) {
    try {
      const data = JSON.parse(text)
      if (data !== null && typeof data === 'object' && !Array.isArray(data)) return data
    } catch {}
    this.faults.push(`data that is no JSON object: ${text.slice(0, 80)}`)
    return {}
  }
}

/** Open during the whole run: what happens is seen here, and held against what others get. */
let main
let epoch
/** Facts that the first stream saw, in order. */
let seen = []

if (token !== undefined) {
  await check('a stranger is refused with 401 and a problem', async () => {
    const answer = await within(promptMs, fetch(url, { headers: { accept: 'text/event-stream' } }), 'an answer')
    await expectProblem(answer, 401)
  })
}

await check('HEAD answers the headers and no body', async () => {
  const answer = await within(promptMs, ask('HEAD', '', {}), 'an answer')
  expectHead(answer)
  expect((await answer.text()) === '', 'it had a body')
})

const isOpen = await check(
  'GET answers 200 with the headers of a stream, neither compressed nor buffered',
  async () => {
    main = await Stream.open()
    if (main.response.status !== 200) throw new Error(`${main.response.status}: ${await main.response.text()}`)
    expectHead(main.response)
  },
)
if (!isOpen) finish()

await check('welcome is the first event, and retry comes with it', async () => {
  const { event, data } = await main.next(() => true)
  expect(event === 'welcome', `${event} came first`)
  expect(/^[a-z0-9]{1,32}$/.test(data.epoch), `epoch ${data.epoch}`)
  expect(typeof data.client_id === 'string' && data.client_id !== '', `client_id ${data.client_id}`)
  expect(data.resumed === false && data.replayed === 0, 'it says that something was resumed')
  expect(data.heartbeat_seconds > 0, `heartbeat_seconds ${data.heartbeat_seconds}`)
  expectTime(data.server_time)
  expect(
    main.blocks.some(block => /^retry: \d+$/.test(block)),
    'no retry',
  )
  epoch = data.epoch
})
if (epoch === undefined) finish()

await check('facts arrive when they happen', async () => {
  for (let count = 0; count < 3; count++) await makeFact()
  seen = await main.take(3, waitMs)
  for (const { data } of seen) expectTime(data.at)
})

await check(`ids are <epoch>-<number>, ${isPartial ? 'rising' : 'densely numbered'}`, async () => expectInOrder(seen))

await check('who comes back with Last-Event-ID gets what was missed, once and in order', async () => {
  const stream = await resume(seen.length - 1, '', { 'last-event-id': seen[0].id })
  await expectSame(stream, seen.slice(1))
})

await check('what happens next comes behind the replay, with neither hole nor double', async () => {
  const before = main.facts.length
  const stream = await resume(before - 1, '', { 'last-event-id': seen[0].id })
  await makeFact()
  const facts = await main.take(before + 1, waitMs)
  await expectSame(stream, facts.slice(1))
})

await check('last_event_id in the query does the same', async () => {
  await expectSame(await resume(seen.length - 1, `last_event_id=${seen[0].id}`), seen.slice(1))
})

await check('the header wins over the query', async () => {
  const stream = await resume(seen.length - 2, `last_event_id=${seen[0].id}`, { 'last-event-id': seen[1].id })
  await expectSame(stream, seen.slice(2))
})

const newest = () => Number(main.facts.at(-1)?.id.split('-')[1] ?? 0)
for (const [what, id, reason] of [
  ['of another epoch', () => 'zzzzzzzz-1', 'unknown_epoch'],
  ['that is still to come', () => `${epoch}-${newest() + 1_000_000}`, 'unknown_epoch'],
  ['without a number', () => 'rubbish', 'malformed'],
  ['with a leading zero', () => `${epoch}-01`, 'malformed'],
  ['with a sign', () => `${epoch}--1`, 'malformed'],
]) {
  await check(`an id ${what} is a gap, ${reason}`, async () => {
    const stream = await Stream.open('', { 'last-event-id': id() })
    const welcome = await stream.next(({ event }) => event === 'welcome')
    expect(welcome.data.resumed === false && welcome.data.replayed === 0, 'it says that it resumed')
    await stream.next(() => true, promptMs, 1)
    const [, gap] = stream.events
    expect(gap.event === 'gap' && gap.data.reason === reason, `${gap.event} ${gap.text}`)
    for (const key of ['oldest_id', 'newest_id']) expect(isIdOrNull(gap.data[key]), `${key} ${gap.data[key]}`)
    const old = stream.facts.filter(fact => seen.some(({ id }) => id === fact.id))
    expect(old.length === 0, `facts from before came: ${list(old.map(fact => fact.id))}`)
    stream.close()
  })
}

await check('types leaves out every other type', async () => {
  const type = seen[1].event
  const wanted = seen.slice(1).filter(({ event }) => event === type)
  const stream = await resume(wanted.length, `types=${type}`, { 'last-event-id': seen[0].id })
  await stream.take(wanted.length)
  const others = stream.events.filter(
    ({ event }) => event !== type && !(withoutId.has(event) && event !== 'stats_update'),
  )
  expect(others.length === 0, `it had ${list(others.map(({ event }) => event))}`)
  await expectSame(stream, wanted)
})

await check('an unknown type is refused with 400 and a problem that names it', async () => {
  const problem = await expectProblem(await ask('GET', 'types=no_such_type', {}), 400)
  expect(problem.detail.includes('no_such_type'), `detail ${problem.detail}`)
})

await check('a query that it does not know, such as a token, is refused with 400', async () => {
  await expectProblem(await ask('GET', 'token=x', {}), 400)
})

await check('the heartbeat comes in time, with a comment and without an id', async () => {
  const seconds = main.events[0].data.heartbeat_seconds
  const heartbeat = await main.next(({ event }) => event === 'heartbeat', (seconds + 5) * 1000)
  expectTime(heartbeat.data.server_time)
  expect(heartbeat.id === undefined, `id ${heartbeat.id}`)
  const place = main.blocks.findIndex(block => block.includes('event: heartbeat'))
  expect(main.blocks[place - 1] === ': ping' || main.blocks[place].startsWith(': ping\n'), 'no comment before it')
})

await check('the stream that was open all the time had every fact once and in order', async () => {
  expectInOrder(main.facts)
  expect(!main.isOver, 'it ended')
})

await check('every line of every stream is a field or a comment, and only facts have an id', async () => {
  const faults = opened.flatMap(stream => stream.faults)
  expect(faults.length === 0, list(faults))
})

finish()

async function check(name, body) {
  try {
    await body()
    console.log(`ok       ${name}`)
    return true
  } catch (error) {
    failures++
    console.log(`not ok   ${name}: ${error.cause?.message ?? error.message}`)
    return false
  }
}

function finish() {
  for (const stream of opened) stream.close()
  console.log(failures === 0 ? 'all is well' : `${failures} failed`)
  process.exit(failures === 0 ? 0 : 1)
}

function ask(method, query, headers, signal = AbortSignal.timeout(promptMs)) {
  const target = new URL(url)
  target.search = query
  const credentials = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const agent = { 'user-agent': `event-stream-conformance/${run}` }
  return fetch(target, { method, headers: { ...agent, ...credentials, ...headers }, signal, redirect: 'error' })
}

/** Somebody new asks: that is a fact. */
async function makeFact() {
  await ask('HEAD', '', { 'user-agent': `event-stream-conformance/${run}-${++agents}` })
}

/** @param missed Facts that have happened by now, so that the welcome must count them. */
async function resume(missed, query, headers = {}) {
  const stream = await Stream.open(query, headers)
  const { data } = await stream.next(({ event }) => event === 'welcome')
  expect(data.resumed === true, 'welcome says that it did not resume')
  expect(data.epoch === epoch, `epoch ${data.epoch}`)
  expect(data.replayed >= missed, `welcome says replayed ${data.replayed} of ${missed}`)
  return stream
}

/** The stream begins with these facts, to the letter. */
async function expectSame(stream, facts) {
  const got = await stream.take(facts.length)
  const show = ({ id, event, text }) => `${id} ${event} ${text}`
  const wrong = got.findIndex((fact, index) => show(fact) !== show(facts[index]))
  expect(wrong < 0, `${show(got[wrong] ?? {})} instead of ${show(facts[wrong] ?? {})}`)
  stream.close()
}

function expectInOrder(facts) {
  expect(facts.length > 0, 'there was no fact')
  let last
  for (const { id } of facts) {
    const [, of, digits] = /^([a-z0-9]{1,32})-([1-9]\d*)$/.exec(id) ?? []
    expect(of === epoch, `id ${id} in the epoch ${epoch}`)
    const number = Number(digits)
    expect(last === undefined || number > last, `${id} came behind ${last}`)
    expect(last === undefined || isPartial || number === last + 1, `${id} came behind ${last}`)
    last = number
  }
}

function expectHead({ status, headers }) {
  expect(status === 200, `status ${status}`)
  const type = headers.get('content-type')
  expect(/^text\/event-stream; ?charset=utf-8$/i.test(type), `content-type ${type}`)
  expect(/\bno-store\b/.test(headers.get('cache-control')), `cache-control ${headers.get('cache-control')}`)
  expect(!headers.has('content-encoding'), `content-encoding ${headers.get('content-encoding')}`)
  // nginx obeys this one and keeps it to itself.
  const isTaken = /nginx/i.test(headers.get('server') ?? '') && !headers.has('x-accel-buffering')
  expect(isTaken || headers.get('x-accel-buffering') === 'no', 'no X-Accel-Buffering: no')
}

async function expectProblem(answer, status) {
  const text = await answer.text()
  expect(answer.status === status, `status ${answer.status}: ${text.slice(0, 200)}`)
  const type = answer.headers.get('content-type') ?? ''
  expect(type.startsWith('application/problem+json'), `content-type ${type}`)
  const problem = JSON.parse(text)
  for (const key of ['type', 'title', 'detail', 'code']) expect(typeof problem[key] === 'string', `no ${key}`)
  expect(problem.status === status, `status ${problem.status} in the body`)
  return problem
}

function expectTime(text) {
  expect(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text), `the time ${text}`)
}

function isIdOrNull(id) {
  return id === null || (typeof id === 'string' && id.startsWith(`${epoch}-`))
}

function expect(isTrue, otherwise) {
  if (!isTrue) throw new Error(otherwise)
}

async function within(ms, promise, what) {
  const late = pause(ms, undefined, { ref: false }).then(() => {
    throw new Error(`no ${what} within ${ms / 1000} s`)
  })
  return Promise.race([promise, late])
}

function list(items) {
  return [...new Set(items)].slice(0, 10).join(', ') || 'nothing'
}

function readArguments() {
  try {
    const options = { token: { type: 'string' }, wait: { type: 'string' }, partial: { type: 'boolean' } }
    const { values, positionals } = parseArgs({ options, allowPositionals: true })
    const target = new URL(positionals[0])
    if (target.pathname === '/') target.pathname = '/api/dashboard/events'
    const seconds = Number(values.wait ?? 60)
    if (positionals.length !== 1 || !(seconds > 0)) throw new Error('one url, and a number of seconds')
    const secret = values.token ?? process.env.RUSTYMAIL_API_KEY
    return { url: target, token: secret, waitMs: seconds * 1000, isPartial: values.partial ?? false }
  } catch (error) {
    console.error(`node event-stream.mjs <url> [--token T] [--wait seconds] [--partial]\n${error.message}`)
    process.exit(2)
  }
}
