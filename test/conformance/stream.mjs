/** One connection to the stream: what came, when, and what is wrong with how it is written. */
import { promptMs } from './caller.mjs'
import { list } from './report.mjs'

/** Events without an id: states, or about the stream itself. Unknown types may be either. */
const withoutId = new Set([
  ...['welcome', 'gap', 'heartbeat', 'session_changed', 'goodbye'],
  ...['stats_update', 'audit_update'],
])
const facts = new Set([
  ...['client_connected', 'client_disconnected', 'configuration_updated'],
  ...[
    'server_started',
    'account_added',
    'account_updated',
    'account_removed',
    'account_state_changed',
    'mail_received',
  ],
  ...['token_created', 'token_updated', 'token_revoked', 'user_added', 'user_updated', 'user_removed'],
])

export const idPattern = /^([a-z0-9]{1,32})-(0|[1-9]\d{0,14})$/

/** Makes streams, and knows all that were made. */
export class Streams {
  all = []
  #caller
  #clock

  constructor({ caller, clock }) {
    this.#caller = caller
    this.#clock = clock
  }

  /** Resolves with the head of the response, whatever its status. */
  async open(query = '', headers = {}) {
    const stream = new Stream(this.#clock)
    this.all.push(stream)
    await stream.begin(signal => this.#caller.get(query, headers, { signal }))
    return stream
  }

  /** Resolves with its welcome. */
  async enter(query, headers) {
    const stream = await this.open(query, headers)
    if (stream.answer.statusCode !== 200) {
      const text = await this.#caller.text(stream.answer)
      throw new Error(`status ${stream.answer.statusCode}: ${text.slice(0, 200)}`)
    }
    await stream.next(() => true)
    const { event } = stream.events[0]
    if (event !== 'welcome') throw new Error(`${event} came before the welcome`)
    return stream
  }
}

class Stream {
  /** Everything received except comments and bare ids. */
  events = []
  blocks = []
  faults = []
  isOver = false
  /** Nothing that is read from it can be relied on. */
  isGarbled = false
  #clock
  #askedMs
  #text = ''
  #abort = new AbortController()
  #arrival = withResolvers()

  constructor(clock) {
    this.#clock = clock
  }

  async begin(ask) {
    this.#askedMs = this.#clock.now()
    this.answer = await ask(this.#abort.signal)
    if (this.answer.statusCode === 200) this.#read()
  }

  /** The first event that fits. */
  next(fits, ms = promptMs, what = 'nothing') {
    return this.until(() => this.events.find(fits), ms, what)
  }

  until(find, ms, what) {
    const findOrEnd = () => {
      const found = find()
      if (!found && this.isOver)
        throw new Error(`the stream ended after ${list(this.events.map(({ event }) => event))}`)
      return found
    }
    const describe = () => `${what} came (it had ${this.events.length} events)`
    return this.#clock.until(findOrEnd, () => this.#arrival.promise, ms, describe)
  }

  get welcome() {
    return this.events[0].data
  }

  get facts() {
    return this.events.filter(({ id }) => id !== undefined)
  }

  close() {
    this.#abort.abort()
  }

  async #read() {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    try {
      for await (const bytes of this.answer) this.#take(decoder.decode(bytes, { stream: true }))
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
      if (name === undefined) this.#garbled(`a line that is no field: ${JSON.stringify(line.slice(0, 80))}`)
      else if (name in fields) this.#garbled(`${name} twice in one event`)
      else fields[name] = value
    }
    if ('retry' in fields && !/^\d+$/.test(fields.retry)) this.faults.push(`retry ${fields.retry} is no number`)
    // An id alone is no event: it moves the reader's place past what its filter hides.
    if (!('data' in fields)) {
      if ('event' in fields) this.faults.push('an event without data')
      else if ('id' in fields && !idPattern.test(fields.id)) this.faults.push(`the id ${fields.id}`)
      return
    }
    this.#judge(fields)
    // Time since the request, since holding back may delay the response head too.
    const afterMs = this.#clock.now() - this.#askedMs
    const { id, event, retry, data: text } = fields
    this.events.push({ id, event, retry, text, data: this.#parse(text), afterMs, at: this.#clock.now() })
  }

  #judge({ id, event }) {
    if (!/^[a-z_]+$/.test(event ?? '')) this.faults.push(`the type ${JSON.stringify(event)}`)
    if (id !== undefined && withoutId.has(event)) this.faults.push(`${event} with the id ${id}`)
    if (id === undefined && facts.has(event)) this.faults.push(`${event} without an id`)
  }

  #parse(text) {
    try {
      const data = JSON.parse(text)
      if (data !== null && typeof data === 'object' && !Array.isArray(data)) return data
    } catch {}
    this.#garbled(`data that is no JSON object: ${text.slice(0, 80)}`)
    return {}
  }

  #garbled(fault) {
    this.isGarbled = true
    this.faults.push(fault)
  }

  #wake() {
    this.#arrival.resolve()
    this.#arrival = withResolvers()
  }
}

/** Node 20 has no Promise.withResolvers. */
function withResolvers() {
  const made = {}
  made.promise = new Promise(resolve => {
    made.resolve = resolve
  })
  return made
}
