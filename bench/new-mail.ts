/**
 * New mail on Dovecot → `mail_received` on the stream, with the default index, against bare IDLE clients on the same
 * mailbox: idle, with 32 requests in flight on that account, and in bursts of 50.
 */
import { connect } from 'node:net'
import { startDovecot } from '../test/support/dovecot.ts'
import type { RawImap } from '../test/support/raw-imap.ts'
import { keepBusy, underWay } from './busy.ts'
import { apiKey, connectAlice, median, round, startRustyMail, unlimited } from './measure.ts'

const messages = Number(process.env.RUSTYMAIL_BENCH_MESSAGES ?? 100)
const [bursts, burst] = [4, 50]
/** Milliseconds without a notice after which the run has failed. */
const mostMs = 30_000
const user = 'alice@test.local'
const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }

export async function newMail(): Promise<object> {
  const dovecot = await startDovecot()
  const rustymail = await startRustyMail(undefined, unlimited)
  try {
    const accountId = await connectAlice(rustymail.url, dovecot.imapPort)
    const heard = await listenToStream(rustymail.url)
    const bare = [await idleBare(dovecot.imapPort), await idleBare(dovecot.imapPort), await idleBare(dovecot.imapPort)]
    const sender = await dovecot.login(user)
    const sent = async (count: number, atOnce: number) => {
      const rows: Row[] = []
      while (rows.length < count) rows.push(...(await deliver(sender, atOnce, heard, bare)))
      return rows
    }
    // A warm-up: the account is still being indexed, and code runs for the first time.
    await sent(5, 1)
    const quiet = await sent(messages, 1)
    const load = keepBusy(rustymail.url, accountId)
    const busy = await sent(messages, 1)
    const requests = await load.stop()
    const inBursts = await sent(bursts * burst, burst)
    for (const client of [...bare, sender]) client.close()
    heard.close()
    return {
      what: `ms from APPEND to notice, ${messages} messages each and ${bursts} bursts of ${burst}, three bare clients; busy: ${underWay} requests always under way (${requests} finished)`,
      quiet: summary(quiet),
      busy: summary(busy),
      burst: summary(inBursts),
      targets: { p99_ratio: 'quiet <= 1.2, busy <= 1.5, burst <= 2' },
    }
  } finally {
    await rustymail.stop()
    await dovecot.stop()
  }
}

interface Row {
  /** Times of each bare client: Dovecot notifies them at different times, so their median is used. */
  bare: number[]
  rustymail: number
}

/** Delivers `count` mails back to back. */
async function deliver(sender: RawImap, count: number, heard: Notices, bare: readonly Notices[]): Promise<Row[]> {
  const clients = [heard, ...bare]
  const firsts = clients.map(({ seen }) => seen)
  const began: number[] = []
  for (let index = 0; index < count; index++) {
    began.push(performance.now())
    await sender.append('INBOX', Buffer.from(`From: a@test.local\r\nSubject: ${index}\r\n\r\nhello\r\n`), [])
  }
  const rows: Row[] = []
  for (let index = 0; index < count; index++) {
    const [own, ...others] = await Promise.all(clients.map((client, at) => client.nth(firsts[at]! + index + 1)))
    rows.push({ bare: others.map(at => at - began[index]!), rustymail: own! - began[index]! })
  }
  return rows
}

function summary(rows: Row[]) {
  const bare = rows.map(row => median(row.bare))
  const own = rows.map(row => row.rustymail)
  return {
    bare_ms: round(median(bare)),
    rustymail_ms: round(median(own)),
    ratio: round(median(own) / median(bare)),
    bare_p99_ms: round(p99(bare)),
    rustymail_p99_ms: round(p99(own)),
    p99_ratio: round(p99(own) / p99(bare)),
    // The delay added to Dovecot's own, which announces mail when it polls.
    behind_bare_median_ms: round(median(own.map((at, index) => at - bare[index]!))),
  }
}

function p99(values: number[]): number {
  return values.toSorted((one, other) => one - other)[Math.ceil(values.length * 0.99) - 1]!
}

/** Records when each number of messages had been announced. */
class Notices {
  #seen = 0
  readonly #times = new Map<number, number>()
  readonly #waiting = new Map<number, (at: number) => void>()

  readonly close: () => void
  readonly #name: string

  constructor(name: string, close: () => void) {
    this.#name = name
    this.close = close
  }

  get seen(): number {
    return this.#seen
  }

  /** Resolves with the time at which `number` messages had been announced. */
  nth(number: number): Promise<number> {
    const at = this.#times.get(number)
    if (at !== undefined) return Promise.resolve(at)
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const timer = setTimeout(() => reject(new Error(`${this.#name} was not told of message ${number}`)), mostMs)
    this.#waiting.set(number, heardAt => {
      clearTimeout(timer)
      resolve(heardAt)
    })
    return promise
  }

  heard(until: number): void {
    const at = performance.now()
    while (this.#seen < until) {
      this.#seen++
      this.#times.set(this.#seen, at)
      this.#waiting.get(this.#seen)?.(at)
      this.#waiting.delete(this.#seen)
    }
  }
}

async function listenToStream(url: string): Promise<Notices> {
  const abort = new AbortController()
  const notices = new Notices('RustyMail', () => abort.abort())
  const stream = await fetch(`${url}/api/dashboard/events?types=mail_received`, { headers, signal: abort.signal })
  const read = async () => {
    let begun = ''
    for await (const chunk of stream.body!.pipeThrough(new TextDecoderStream())) {
      const lines = (begun + chunk).split('\n')
      begun = lines.pop()!
      notices.heard(notices.seen + lines.filter(line => line === 'event: mail_received').length)
    }
  }
  read().catch(() => undefined)
  return notices
}

/** The minimal IDLE client: a socket. */
async function idleBare(port: number): Promise<Notices> {
  const idling = Promise.withResolvers<void>()
  const socket = connect(port, '127.0.0.1')
  const notices = new Notices('a bare client', () => socket.destroy())
  socket.setNoDelay(true)
  const steps = [`a LOGIN ${user} pw-alice\r\n`, 'b SELECT INBOX\r\n', 'c IDLE\r\n']
  const done = /^(\* OK|a OK|b OK)/m
  let before = 0
  let begun = ''
  socket.on('data', chunk => {
    const whole = begun + chunk.toString('latin1')
    const text = whole.slice(0, whole.lastIndexOf('\n') + 1)
    begun = whole.slice(text.length)
    const exists = [...text.matchAll(/^\* (\d+) EXISTS/gm)].map(([, count]) => Number(count)).at(-1)
    if (steps.length > 0) before = exists ?? before
    if (steps.length > 0 && done.test(text)) socket.write(steps.shift()!)
    else if (text.startsWith('+ ')) idling.resolve()
    else if (exists !== undefined) notices.heard(exists - before)
  })
  await idling.promise
  return notices
}
