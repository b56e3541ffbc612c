/**
 * Requested changes to mail are visible immediately, on a real mail server that has not made them: in lists, counts,
 * threads and searches, also while the index is compared and after a restart. What fails is rolled back.
 */
import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import type { Folder } from '../../contract/mail.ts'
import type { Operation, OperationWithResults } from '../../contract/operations.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { openStream } from '../support/open-stream.ts'
import { patience } from '../support/patience.ts'
import type { RawImap } from '../support/raw-imap.ts'
import { available } from '../support/require.ts'
import { apiKey, runHere, type Served } from '../support/rustymail.ts'
import { startRelay, type TcpRelay } from '../support/tcp-relay.ts'
import { tempDir } from '../support/temp-dir.ts'

interface Listed {
  id: string
  ref: string
  subject: string
  flags: string[]
  keywords: string[]
  folders?: string[]
}

const authorization = `Bearer ${apiKey}`
const changing = /^\S+ UID (STORE|MOVE|COPY|EXPUNGE)/m

/** The connection to the mail server, on which changes can be held or spoilt. */
class Way {
  relay!: TcpRelay
  #opened = Promise.withResolvers<void>()
  #isOpen = true
  isSpoilt = false

  async open(port: number): Promise<void> {
    this.relay = await startRelay(port, {
      holds: text => (this.#isOpen || !changing.test(text) ? undefined : this.#opened.promise),
      // Dovecot knows no such command.
      toServer: text => (this.isSpoilt ? text.replace(/^(\S+) UID (STORE|MOVE)/m, '$1 UID X$2') : text),
    })
    onTestFinished(() => this.relay.stop())
  }

  hold(): void {
    this.#isOpen = false
    this.#opened = Promise.withResolvers<void>()
  }

  release(): void {
    this.#isOpen = true
    this.#opened.resolve()
  }
}

describe.skipIf(!available('dovecot'))('on Dovecot', () => {
  let dovecot: Dovecot
  beforeAll(async () => {
    dovecot = await startDovecot()
    return () => dovecot.stop()
  })

  /** Starts with mail `one` to `four` in the inbox, indexed, in a thread each. */
  async function setUp() {
    const user = dovecot.newUser()
    const login = `${user}@test.local`
    const imap = await dovecot.login(login)
    onTestFinished(() => imap.close())
    for (const subject of ['one', 'two', 'three', 'four']) await deliver(imap, subject)
    await imap.run('CREATE Archive')
    const way = new Way()
    await way.open(dovecot.imapPort)
    const dir = tempDir('shown')
    onTestFinished(() => dir.remove())
    const options = { dataDir: join(dir.path, 'data'), environment: { RUSTYMAIL_INDEX: 'headers' } }
    let run: Served = await runHere(options)
    onTestFinished(async () => {
      way.release()
      await run.stop()
    })
    const account = { host: '127.0.0.1', port: way.relay.port, tls: 'none', user: login, password: `pw-${user}` }
    const body = { email: login, imap: account } as const
    const { id } = await run.call(api.accounts.createAccount, { body: body as never })
    const get = async <T>(path: string): Promise<T> => {
      const answer = await run.send('GET', path)
      if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`)
      return (await answer.json()) as T
    }
    const at = `/api/v1/accounts/${id}`
    const list = async (folder: string) =>
      (await get<{ items: Listed[]; source: string }>(`${at}/messages?folder=${folder}`)) as {
        items: Listed[]
        source: string
      }
    const world = {
      ...{ imap, way, id, get, list },
      send: (path: string, sent: object) => run.send('POST', at + path, sent),
      run: () => run,
      /** Lists `subject flag …`, newest first; from the index alone. */
      shown: async (folder = 'INBOX') => {
        const { items, source } = await list(folder)
        expect(source).toBe('index')
        return items.map(({ subject, flags, keywords }) => [subject, ...flags, ...keywords].join(' '))
      },
      counts: async (path = 'INBOX') => {
        const { items } = await get<{ items: Folder[] }>(`${at}/folders`)
        const folder = items.find(each => each.path === path)
        return [folder?.total, folder?.unread]
      },
      threads: async () => {
        const { items } = await get<{ items: { subject: string; unread: number }[] }>(`${at}/threads?folder=INBOX`)
        return items.map(({ subject, unread }) => `${subject} ${unread}`)
      },
      found: async (q: string) => {
        const query = new URLSearchParams({ q })
        const { items } = await get<{ items: Listed[] }>(`/api/v1/search?${query}`)
        return items.map(({ subject }) => subject).toSorted()
      },
      act: async (sent: object) => {
        const answer = await run.send('POST', `${at}/messages/actions`, sent)
        expect(answer.status).toBe(202)
        return (await answer.json()) as OperationWithResults
      },
      settled: async ({ id: operation }: Operation) => {
        const look = () => get<OperationWithResults>(`/api/v1/operations/${operation}`)
        await expect.poll(async () => (await look()).state, { timeout: patience }).not.toBe('pending')
        return look()
      },
      untilIndexed: () =>
        expect
          .poll(
            async () => {
              const { state } = await get<{ state: string }>(`${at}/index`)
              const lists = await Promise.all(['INBOX', 'Archive'].map(list))
              return [state, ...lists.map(({ source }) => source)]
            },
            { timeout: patience },
          )
          .toEqual(['complete', 'index', 'index']),
      restart: async () => {
        await run.stop()
        run = await runHere(options)
        await world.untilIndexed()
      },
    }
    await world.untilIndexed()
    const byName = new Map((await list('INBOX')).items.map(item => [item.subject, item]))
    return { ...world, of: (subject: string) => byName.get(subject)! }
  }

  test('lists, counts, threads and searches show it before it is done, through comparing and a restart', async () => {
    const world = await setUp()
    const { imap, way, of, act, shown, counts, threads, found } = world
    expect([await shown(), await counts()]).toEqual([
      ['four', 'three', 'two', 'one'],
      [4, 4],
    ])
    way.hold()
    const flagged = await act({ ids: [of('one').id, of('two').ref], add: ['seen', 'urgent'] })
    const expected = ['four', 'two seen urgent', 'one seen urgent']
    expect(await shown()).toEqual(['four', 'three', 'two seen urgent', 'one seen urgent'])
    const moved = await act({ ids: [of('three').id], move_to: { folder: 'Archive' } })
    const again = await act({ ids: [of('one').id], remove: ['urgent'] })
    expected[2] = 'one seen'
    const sees = async (arrived: string[] = []) => {
      expect(await shown()).toEqual([...arrived, ...expected])
      expect(await counts()).toEqual([3 + arrived.length, 1 + arrived.length])
      expect(await threads()).toEqual([...arrived.map(each => `${each} 1`), 'four 1', 'two 0', 'one 0'])
      expect(await found('is:unread in:INBOX')).toEqual(['four', ...arrived].toSorted())
      expect(await found('label:urgent')).toEqual(['two'])
    }
    await sees()
    const read = (subject: string) => world.get<Listed>(`/api/v1/accounts/${world.id}/messages/${of(subject).id}`)
    expect(await read('one')).toMatchObject({ flags: ['seen'], keywords: [] })
    // The message can still be read at its old place.
    expect(await read('three')).toMatchObject({ subject: 'three' })
    // The folder is compared meanwhile: new mail has come.
    await deliver(imap, 'five')
    await expect.poll(async () => (await shown()).includes('five'), { timeout: patience }).toBe(true)
    await imap.run('SELECT INBOX')
    await imap.run('STORE 4 +FLAGS (other)')
    expected[0] = 'four other'
    await expect.poll(() => shown(), { timeout: patience }).toContain('four other')
    await sees(['five'])
    // Nothing is done on the mail server yet.
    expect(await imap.run('UID SEARCH SEEN')).not.toMatch(/\* SEARCH \d/)
    await world.restart()
    await sees(['five'])
    expect((await world.get<Operation>(`/api/v1/operations/${moved.id}`)).state).toBe('pending')
    way.release()
    for (const operation of [flagged, moved, again]) expect((await world.settled(operation)).state).toBe('done')
    await expect.poll(() => shown('Archive'), { timeout: patience }).toEqual(['three'])
    await sees(['five'])
    expect((await world.list('Archive')).items[0]!.id).toBe(of('three').id)
    await imap.run('SELECT INBOX')
    expect(await imap.run('UID SEARCH SEEN')).toMatch(/\* SEARCH 1 2\r/)
  })

  test('while the mail server says nothing at all, lists show it', async () => {
    const world = await setUp()
    const { way, of, act, shown, counts } = world
    way.relay.silence()
    await act({ ids: [of('four').id], add: ['flagged'] })
    await act({ ids: [of('one').id, of('two').id], move_to: { folder: 'Archive' } })
    expect(await shown()).toEqual(['four flagged', 'three'])
    expect(await counts()).toEqual([2, 2])
  })

  test('what the mail server refuses is put back and told', async () => {
    const world = await setUp()
    const { way, of, act, shown, counts, found } = world
    const types = 'operation_changed,mail_changed'
    const stream = await openStream(`${world.run().url}/api/dashboard/events?types=${types}`, { authorization })
    onTestFinished(() => stream.close())
    await stream.next('welcome')
    way.isSpoilt = true
    way.hold()
    const operations = [
      await act({ ids: [of('one').id], add: ['seen', 'urgent'] }),
      await act({ ids: [of('two').id, of('three').id], move_to: { folder: 'Archive' } }),
    ]
    expect(await shown()).toEqual(['four', 'one seen urgent'])
    way.release()
    for (const operation of operations) {
      const { state, results } = await world.settled(operation)
      expect([state, results[0]!.code]).toEqual(['failed', 'mail_server_refused'])
    }
    await expect.poll(() => shown(), { timeout: patience }).toEqual(['four', 'three', 'two', 'one'])
    expect(await counts()).toEqual([4, 4])
    expect(await found('label:urgent')).toEqual([])
    const ids = (await world.list('INBOX')).items.map(({ id }) => id)
    expect(ids).toEqual(['four', 'three', 'two', 'one'].map(subject => of(subject).id))
    // One event for the removal, one for the return.
    const news = (event: string) => stream.events.filter(each => each.event === event).map(({ data }) => data)
    const ofTwo = () => news('mail_changed').filter(data => JSON.stringify(data).includes(of('two').id))
    await expect.poll(() => ofTwo().length, { timeout: patience }).toBe(2)
    const states = () => news('operation_changed').map(data => (data as { state: string }).state)
    await expect
      .poll(() => states().toSorted(), { timeout: patience })
      .toEqual(['failed', 'failed', 'pending', 'pending'])
  })

  test('what failed while nothing was left to show it is put back after the next start', async () => {
    const world = await setUp()
    const { way, of, act, shown, counts } = world
    way.isSpoilt = true
    way.hold()
    const operations = [
      await act({ ids: [of('one').id], add: ['seen'] }),
      await act({ ids: [of('two').id], move_to: { folder: 'Archive' } }),
    ]
    await world.restart()
    expect(await shown()).toEqual(['four', 'three', 'one seen'])
    way.release()
    for (const operation of operations) expect((await world.settled(operation)).state).toBe('failed')
    await world.restart()
    await expect.poll(() => shown(), { timeout: patience }).toEqual(['four', 'three', 'two', 'one'])
    expect(await counts()).toEqual([4, 4])
  })
})

async function deliver(imap: RawImap, subject: string): Promise<void> {
  await imap.append('INBOX', `Subject: ${subject}\r\nFrom: a@x.example\r\nMessage-ID: <${subject}@x>\r\n\r\nhello\r\n`)
}
