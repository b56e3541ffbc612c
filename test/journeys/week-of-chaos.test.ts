/** A week of failures in a minute: mail is announced once, a dead watch is reported, the index equals the mailbox. */
import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { api } from '../../contract/index.ts'
import { ImapFlowGateway } from '../../server/imap/adapters/imapflow-gateway.ts'
import { watchTimes } from '../../server/imap/adapters/imapflow-watch.ts'
import { startDovecot } from '../support/dovecot.ts'
import { indexContent } from '../support/index-content.ts'
import { MailboxChaos, randomFrom } from '../support/mailbox-chaos.ts'
import { openStream } from '../support/open-stream.ts'
import { available } from '../support/require.ts'
import { apiKey, type Served, startHere } from '../support/rustymail.ts'
import { startRelay } from '../support/tcp-relay.ts'

const days = 7
const dayMs = 24 * 60 * 60_000
const user = 'alice@test.local'
const authorization = `Bearer ${apiKey}`
const environment = { RUSTYMAIL_INDEX: 'text' }
/** The default watch, a hundred times as fast. */
const watching = { renewIdleMs: watchTimes.renewIdleMs / 100, checkMs: watchTimes.checkMs / 20 }
const patience = { interval: 50 }

afterEach(() => {
  vi.useRealTimers()
})

test('the times of a watch find out within a minute that it is dead', () => {
  const { renewIdleMs, pollMs, checkMs } = watchTimes
  // IDLE is renewed after 20 % more at the latest.
  expect(Math.max(renewIdleMs * 1.2, pollMs) + checkMs).toBeLessThanOrEqual(60_000)
})

/** Changes the UIDVALIDITY of INBOX, as a restore does. Requires the server to be halted. */
function changeUidValidity(directory: string): void {
  const file = readdirSync(directory, { recursive: true, encoding: 'utf8' }).find(path =>
    path.endsWith(join(user, 'Maildir', 'dovecot-uidlist')),
  )
  const path = join(directory, file!)
  writeFileSync(
    path,
    readFileSync(path, 'latin1').replace(/ V(\d+)/, (_, value: string) => ` V${Number(value) + 1}`),
    'latin1',
  )
  // Dovecot trusts its index until the folder looks changed: it would report the new one only with the next message.
  const later = new Date(Date.now() + 60_000)
  utimesSync(join(dirname(path), 'cur'), later, later)
}

describe.skipIf(!available('dovecot'))('on Dovecot', () => {
  test('nothing is missed and nothing doubled', async () => {
    vi.useFakeTimers({ toFake: ['Date'], shouldAdvanceTime: true })
    let directory = ''
    const dovecot = await startDovecot({
      fill: made => {
        directory = made
      },
    })
    onTestFinished(() => dovecot.stop())
    const relay = await startRelay(dovecot.imapPort)
    onTestFinished(() => relay.stop())
    const start = (dataDir?: string) => {
      const gateway = new ImapFlowGateway({ watching })
      return startHere({ environment, gateway, ...(dataDir !== undefined && { dataDir }) })
    }
    const random = randomFrom(12)
    // A connection for each time, since the server restarts.
    let other = await dovecot.login(user)
    const chaos = new MailboxChaos(
      {
        run: (...command) => other.run(...command),
        append: (...message) => other.append(...message),
        move: (...messages) => other.move(...messages),
      },
      random,
    )
    // Mail that leaves INBOX before it is seen there could not be announced.
    chaos.folders.splice(chaos.folders.indexOf('INBOX'), 1)
    other.close()
    const delivered: string[] = []
    let run = await start()
    const { dataDir } = run
    const imap = { host: '127.0.0.1', port: relay.port, tls: 'none', user, password: 'pw-alice' }
    await dovecot.appendMessage(user, 'Subject: before\n\nwas there before the account')
    const { id } = await run.call(api.accounts.createAccount, { body: { email: user, imap } })
    const stateOf = async (of: Served) => (await of.call(api.accounts.getAccount, { params: { account_id: id } })).state
    const isReady = () => expect.poll(() => stateOf(run), patience).toBe('ready')
    const isDown = () => expect.poll(() => stateOf(run), patience).not.toBe('ready')
    const deliver = async (count: number) => {
      for (let at = 0; at < count; at++) {
        const text = `Subject: mail ${delivered.length}\nMessage-ID: <week${delivered.length}@x>\n\nbody`
        const { uidValidity, uid } = await dovecot.appendMessage(user, text)
        delivered.push(`${uidValidity}:${uid}`)
      }
    }
    await isReady()

    const received: string[] = []
    let lastId: string | undefined
    let stream: Awaited<ReturnType<typeof openStream>>
    let hasEnded = false
    const listen = async () => {
      const again = lastId === undefined ? {} : { 'last-event-id': lastId }
      stream = await openStream(`${run.url}/api/dashboard/events?types=mail_received`, { authorization, ...again })
      hasEnded = false
      void stream.ended.then(() => {
        hasEnded = true
      })
      await stream.next('welcome')
    }
    /** Takes over what the stream received; the next stream resumes after it. */
    const take = () => {
      for (const { id: eventId, event, data } of stream.events.splice(0)) {
        lastId = eventId ?? lastId
        if (event === 'gap') received.push('gap')
        const { folder, uid, uid_validity } = data as { folder?: string; uid: number; uid_validity: number }
        if (event === 'mail_received' && folder === 'INBOX') received.push(`${uid_validity}:${uid}`)
      }
    }
    const isAllReceived = () =>
      expect
        .poll(async () => {
          const isOver = hasEnded
          take()
          // Streams have a maximum age, and the clock jumps.
          if (isOver) await listen()
          return received
        }, patience)
        .toEqual(delivered)
    await listen()
    await deliver(1)
    await isAllReceived()

    const restartServer = async (change: () => void = () => undefined) => {
      await dovecot.halt()
      await isDown()
      change()
      await dovecot.resume()
    }
    const troubles: Record<string, () => Promise<void>> = {
      'connections that are cut': async () => {
        for (let cut = 0; cut < 3; cut++) {
          relay.cutClients()
          await deliver(1)
        }
      },
      'an IDLE that says nothing any more': async () => {
        relay.silence()
        await deliver(2)
        await isDown()
        relay.resume()
        relay.cutClients()
      },
      'a server that is frozen': async () => {
        dovecot.freeze()
        await isDown()
        dovecot.thaw()
        await deliver(1)
      },
      'a server that restarts': async () => {
        await deliver(1)
        await restartServer()
        await deliver(1)
      },
      'a restart of RustyMail': async () => {
        take()
        await run.stop()
        await deliver(3)
        run = await start(dataDir)
        await listen()
      },
      'a clock that jumps': async () => {
        vi.setSystemTime(Date.now() + 3 * dayMs)
        await deliver(1)
        vi.setSystemTime(Date.now() - 4 * dayMs)
        await deliver(1)
      },
      'another UIDVALIDITY': async () => {
        // Existing mail is not new afterwards, and unannounced mail could not be told from it.
        await isAllReceived()
        await restartServer(() => changeUidValidity(directory))
        await isReady()
        await deliver(1)
      },
    }
    for (let day = 0; day < days; day++) {
      const left = Object.keys(troubles)
      for (let hours = 0; hours < 2; hours++) {
        const [name] = left.splice(hours === 0 ? day : Math.floor(random(left.length)), 1)
        await troubles[name!]!()
        await isReady()
        other = await dovecot.login(user)
        for (let step = 0; step < 5; step++) await chaos.step()
        other.close()
        await deliver(1)
        await isAllReceived()
      }
      vi.setSystemTime(Date.now() + dayMs)
    }
    expect(new Set(received).size).toBe(received.length)

    stream!.close()
    await run.stop()
    run = await start(dataDir)
    await expect
      .poll(async () => (await run.call(api.mailIndex.getIndex, { params: { account_id: id } })).state, patience)
      .toBe('complete')
    await run.stop()
    const found = await indexContent(dataDir, id)
    other = await dovecot.login(user)
    for (const folder of ['INBOX', ...chaos.folders]) {
      expect([folder, found.get(folder)]).toEqual([folder, await chaos.content(folder)])
    }
    other.close()
  })
})
