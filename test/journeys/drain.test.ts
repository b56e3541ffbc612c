/** A stop with thousands of open streams: each is told when to reconnect, and earlier requests are still answered. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { EventOf } from '../../contract/event.ts'
import { api } from '../../contract/index.ts'
import { SandboxServer } from '../../sandbox/sandbox-server.ts'
import { headOf, openRaw, type RawConnection } from '../support/raw-http.ts'
import { apiKey, startRustyMail } from '../support/rustymail.ts'
import { startRelay } from '../support/tcp-relay.ts'

const streams = 2_000

/** Returns what a socket has received so far. */
function listen(socket: Socket): () => string {
  let text = ''
  socket.on('data', chunk => {
    text += chunk
  })
  return () => text
}

/**
 * Adds an account whose mail server answers the login only when it is let go: the request is in progress until then,
 * however slow the machine is.
 */
async function requestUnderWay(url: string): Promise<{ asking: RawConnection; letGo(): void }> {
  const box = new SandboxServer()
  onTestFinished(() => box.stop())
  const { host, imapPort, user, password, email } = await box.start()
  const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const relay = await startRelay(imapPort, {
    holds: text => {
      if (!/ (LOGIN|AUTHENTICATE) /.test(text)) return undefined
      reached.resolve()
      return released.promise
    },
  })
  onTestFinished(() => relay.stop())
  const body = JSON.stringify({ email, imap: { host, port: relay.port, tls: 'none', user, password }, enabled: false })
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
  const head = headOf('POST', api.accounts.createAccount.path, { ...headers, 'content-length': body.length })
  const asking = await openRaw(url, head + body)
  await reached.promise
  return { asking, letGo: released.resolve }
}

test('at a stop each of two thousand streams gets its goodbye with a time of its own, a request under way its answer, and nothing is left over', async () => {
  const run = await startRustyMail({ environment: { RUSTYMAIL_MAX_STREAMS_PER_PRINCIPAL: String(streams) } })
  const head = `Host: localhost\r\nAuthorization: Bearer ${apiKey}\r\n`
  const open = () => {
    const socket = connect(Number(new URL(run.url).port), '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    return socket
  }
  const readers = Array.from({ length: streams }, () => {
    const socket = open()
    socket.write(`GET /api/dashboard/events?types=mail_received HTTP/1.1\r\n${head}\r\n`)
    return { ended: once(socket, 'close'), text: listen(socket) }
  })
  const isOpen = () => readers.filter(reader => reader.text().includes('event: welcome')).length
  await expect.poll(isOpen).toBe(streams)

  const { asking, letGo } = await requestUnderWay(run.url)
  const stopped = run.stop()
  await Promise.all(readers.map(({ ended }) => ended))
  letGo()
  const { text, isEnded } = await asking.ended()
  expect([text.includes('HTTP/1.1 201 Created'), isEnded]).toEqual([true, true])
  expect((await stopped).code).toBe(0)
  // The log names whatever was still open at the deadline.
  expect(run.log()).not.toContain('did not stop cleanly')

  const goodbyes = readers.map(({ text }) => {
    const [, retry, data] = /\n\nretry: (\d+)\nevent: goodbye\ndata: (.*)\n\n$/.exec(text())!
    const goodbye = JSON.parse(data!) as EventOf<'goodbye'>['data']
    expect(retry).toBe(String(goodbye.reconnect_in_ms))
    return goodbye
  })
  expect(new Set(goodbyes.map(({ reason }) => reason))).toEqual(new Set(['shutdown']))
  // One to six seconds, so about 400 reconnect in each.
  const seconds = goodbyes.map(goodbye => Math.min(5, Math.floor(goodbye.reconnect_in_ms / 1_000)))
  for (const second of [1, 2, 3, 4, 5]) {
    expect(seconds.filter(value => value === second).length).toBeGreaterThan(250)
    expect(seconds.filter(value => value === second).length).toBeLessThan(550)
  }
})

test('while it stops, who keeps a connection is answered once more, what was asked before is answered whole, and each is told that it was the last', async () => {
  const run = await startRustyMail()
  const { path } = api.metrics.getStats
  const head = headOf('GET', path, { authorization: `Bearer ${apiKey}` })
  const kept = await Promise.all(Array.from({ length: 40 }, () => openRaw(run.url, head)))
  for (const connection of kept) expect(await connection.statuses(1)).toEqual([200])

  const { asking, letGo } = await requestUnderWay(run.url)
  const stream = await openRaw(
    run.url,
    headOf('GET', api.events.streamEvents.path, { authorization: `Bearer ${apiKey}` }),
  )
  await expect.poll(stream.text).toContain('event: welcome')

  const stopped = run.stop()
  await stream.ended()
  expect(stream.text()).toContain('"reason":"shutdown"')
  // It is draining by now, which lasts as long as a request is in flight.
  for (const connection of kept) connection.socket.write(head)
  const late = await openRaw(run.url, head)
  for (const connection of [...kept, late]) {
    const { text, isEnded, status } = await connection.ended()
    expect([status, isEnded]).toEqual([503, true])
    const answer = text.slice(text.lastIndexOf('HTTP/1.1 503'))
    expect(answer).toMatch(/\r\nconnection: close\r\n/)
    expect(answer).toMatch(/\r\nretry-after: 5\r\n/)
    expect(answer).toContain('"code":"draining"')
  }
  letGo()
  const { text, isEnded } = await asking.ended()
  expect([text.includes('HTTP/1.1 201 Created'), isEnded]).toEqual([true, true])
  expect(text).toMatch(/\r\nconnection: close\r\n/)
  expect((await stopped).code).toBe(0)
})
