/**
 * New mail on Dovecot → `mail_received` on the stream, against what bare IDLE clients on the same mailbox see; once
 * quiet, once while 32 requests are always under way on that account.
 */
import { connect } from 'node:net'
import { startDovecot } from '../test/support/dovecot.ts'
import { apiKey, connectAlice, median, round, startRustyMail } from './measure.ts'

const messages = 30
const underWay = 32
const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }

export async function newMail(): Promise<object> {
  const dovecot = await startDovecot()
  const rustymail = await startRustyMail()
  try {
    const accountId = await connectAlice(rustymail.url, dovecot.imapPort)
    const heard = await listenToStream(rustymail.url)
    const bare = [await idleBare(dovecot.imapPort), await idleBare(dovecot.imapPort), await idleBare(dovecot.imapPort)]
    const round_ = async () => {
      const rows: Row[] = []
      for (let index = 0; index < messages; index++) {
        const [atBare, atRustyMail] = [Promise.all(bare.map(client => client.next())), heard.next()]
        const began = performance.now()
        await dovecot.appendMessage('alice@test.local', `From: a@test.local\nSubject: ${index}\n\nhello\n`)
        rows.push({ bare: (await atBare).map(at => at - began), rustymail: (await atRustyMail) - began })
      }
      return rows
    }
    const quiet = await round_()
    const load = keepBusy(rustymail.url, accountId)
    const busy = await round_()
    const requests = await load.stop()
    for (const client of bare) client.close()
    heard.close()
    return {
      what: `ms from APPEND to notice, ${messages} messages each, three bare clients; busy: ${underWay} requests always under way (${requests} finished)`,
      quiet: summary(quiet),
      busy: summary(busy),
      target: 'ratio <= 1.2, quiet and busy',
    }
  } finally {
    await rustymail.stop()
    await dovecot.stop()
  }
}

interface Row {
  /** Of each bare client: Dovecot tells them at different times, so their median stands for them. */
  bare: number[]
  rustymail: number
}

function summary(rows: Row[]) {
  const bare = rows.map(row => median(row.bare))
  const spread = rows.map(row => Math.max(...row.bare) / Math.min(...row.bare))
  return {
    bare_ms: round(median(bare)),
    rustymail_ms: round(median(rows.map(row => row.rustymail))),
    ratio: round(median(rows.map((row, index) => row.rustymail / bare[index]!))),
    slowest_to_fastest_bare_client: round(median(spread)),
  }
}

/** Hands out the time of each next notice. */
class Notices {
  #waiting = Promise.withResolvers<number>()

  next(): Promise<number> {
    this.#waiting = Promise.withResolvers()
    return this.#waiting.promise
  }

  heard(): void {
    this.#waiting.resolve(performance.now())
  }
}

async function listenToStream(url: string) {
  const notices = new Notices()
  const abort = new AbortController()
  const stream = await fetch(`${url}/api/dashboard/events?types=mail_received`, { headers, signal: abort.signal })
  const read = async () => {
    for await (const chunk of stream.body!.pipeThrough(new TextDecoderStream())) {
      if (chunk.includes('event: mail_received')) notices.heard()
    }
  }
  read().catch(() => undefined)
  return { next: () => notices.next(), close: () => abort.abort() }
}

/** The least that an IDLE client can be: a socket. */
async function idleBare(port: number) {
  const notices = new Notices()
  const idling = Promise.withResolvers<void>()
  const socket = connect(port, '127.0.0.1')
  socket.setNoDelay(true)
  const steps = ['a LOGIN alice@test.local pw-alice\r\n', 'b SELECT INBOX\r\n', 'c IDLE\r\n']
  const done = /^(\* OK|a OK|b OK)/m
  socket.on('data', chunk => {
    const text = chunk.toString('latin1')
    if (steps.length > 0 && done.test(text)) socket.write(steps.shift()!)
    else if (text.startsWith('+ ')) idling.resolve()
    else if (/^\* \d+ EXISTS/m.test(text)) notices.heard()
  })
  await idling.promise
  return { next: () => notices.next(), close: () => socket.destroy() }
}

function keepBusy(url: string, accountId: string) {
  let isOver = false
  let finished = 0
  const worker = async () => {
    while (!isOver) {
      const answer = await fetch(`${url}/api/v1/accounts/${accountId}/messages?limit=20`, { headers })
      await answer.arrayBuffer()
      if (!answer.ok) throw new Error(`a request beside it answered ${answer.status}`)
      finished++
    }
  }
  const all = Promise.all(Array.from({ length: underWay }, worker))
  return {
    stop: async () => {
      isOver = true
      await all
      return finished
    },
  }
}
