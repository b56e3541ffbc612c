/**
 * A process with many readers of one stream that disconnect at random and resume from their last id. It prints
 * `connected` when all are open; given the number of the newest fact on stdin, it waits for it and reports what it saw.
 */
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'

const [url = '', count = '1'] = process.argv.slice(2)
const authorization = `Bearer ${process.env.BENCH_API_KEY}`
const maxStayMs = 2_000
const maxAwayMs = 500
/** Milliseconds to wait for the last facts; one that never comes counts as a gap. */
const lastFactsMs = 20_000

/** State that the readers share: when they stop disconnecting, and the newest fact once it is known. */
const calm = new AbortController()
let newest = Number.POSITIVE_INFINITY
let reconnects = 0

class Reader {
  received = 0
  doubles = 0
  orderFaults = 0
  toldGaps = 0
  readonly missing = new Set<number>()
  readonly welcomed = Promise.withResolvers<void>()
  readonly complete = Promise.withResolvers<void>()
  /** The reader connects before the first fact, whose number is 1. */
  #last = 0
  #lastId = ''
  #isComplete = false

  async run(): Promise<void> {
    while (!this.#isComplete) {
      const response = await this.#open()
      const stay = wait(Math.random() * maxStayMs, undefined, { signal: calm.signal })
      // The last connection stays open.
      const leave = stay.then(() => response.destroy()).catch(() => undefined)
      await this.#read(response)
      await leave
      if (this.#isComplete) return
      reconnects++
      await wait(Math.random() * maxAwayMs)
    }
  }

  /** Facts missing at the end count as gaps too. */
  get gaps(): number {
    return this.missing.size + Math.max(0, newest - this.#last)
  }

  checkComplete(): void {
    if (this.#last < newest || this.missing.size > 0) return
    this.#isComplete = true
    this.complete.resolve()
  }

  async #open(): Promise<IncomingMessage> {
    const headers = { authorization, ...(this.#lastId && { 'last-event-id': this.#lastId }) }
    const request = get(`${url}/api/dashboard/events?types=mail_received`, { headers, agent: false })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    if (response.statusCode !== 200) throw new Error(`a stream was answered with ${response.statusCode}`)
    return response
  }

  /** Reads until either side ends the stream; an incomplete block is discarded. */
  #read(response: IncomingMessage): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    let text = ''
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      const blocks = (text + chunk).split('\n\n')
      text = blocks.pop()!
      for (const block of blocks) this.#take(block)
    })
    response.on('error', () => undefined)
    response.once('close', resolve)
    return promise
  }

  #take(block: string): void {
    const id = /^id: (.*)$/m.exec(block)?.[1]
    if (id !== undefined) this.#lastId = id
    const type = /^event: (.*)$/m.exec(block)?.[1]
    if (type === 'welcome') this.welcomed.resolve()
    if (type === 'gap') this.toldGaps++
    if (type === 'mail_received') this.#count(Number(/"uid":(\d+)/.exec(block)?.[1]))
  }

  #count(number: number): void {
    this.received++
    if (number <= this.#last) {
      if (this.missing.delete(number)) this.orderFaults++
      else this.doubles++
    } else {
      for (let lost = this.#last + 1; lost < number; lost++) this.missing.add(lost)
      this.#last = number
    }
    if (number >= newest) this.checkComplete()
  }
}

const readers = Array.from({ length: Number(count) }, () => new Reader())
const fail = (error: unknown) => {
  console.error(error)
  process.exit(1)
}
for (const reader of readers) reader.run().catch(fail)
await Promise.all(readers.map(reader => reader.welcomed.promise))
console.log('connected')

const [line] = (await once(createInterface({ input: process.stdin }), 'line')) as [string]
newest = Number(line)
calm.abort()
for (const reader of readers) reader.checkComplete()
await Promise.race([Promise.all(readers.map(reader => reader.complete.promise)), wait(lastFactsMs)])

const sum = (value: (reader: Reader) => number) => readers.reduce((total, reader) => total + value(reader), 0)
console.log(
  JSON.stringify({
    received: sum(reader => reader.received),
    reconnects,
    gaps: sum(reader => reader.gaps),
    doubles: sum(reader => reader.doubles),
    order_faults: sum(reader => reader.orderFaults),
    told_gaps: sum(reader => reader.toldGaps),
  }),
)
process.exit(0)
