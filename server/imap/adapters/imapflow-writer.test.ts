/** Changes of messages that other programs delete meanwhile, on a real Dovecot. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Dovecot, startDovecot } from '../../../test/support/dovecot.ts'
import { patience } from '../../../test/support/patience.ts'
import { available } from '../../../test/support/require.ts'
import { startRelay } from '../../../test/support/tcp-relay.ts'
import { ImapFlowGateway } from './imapflow-gateway.ts'

const gateway = new ImapFlowGateway()
const { signal } = new AbortController()

describe.skipIf(!available('dovecot'))('on Dovecot', () => {
  let dovecot: Dovecot
  beforeAll(async () => {
    dovecot = await startDovecot()
  })
  afterAll(() => dovecot?.stop())

  test.each([
    ['one of two', 1],
    ['all', 2],
  ])('a change that fails because %s vanished is sent again for those that are left', async (_which, gone) => {
    const { user, password } = dovecot.users[gone - 1]!
    const uids: number[] = []
    for (const text of ['one', 'two']) uids.push((await dovecot.appendMessage(user, `Subject: ${text}\n\nx\n`)).uid)
    const stores: string[] = []
    let failedTag: string | undefined
    const toServer = (data: string) => {
      const [line, tag, what] = /^(\w+) UID STORE (\S+ \S+) .*(?=\r)/m.exec(data) ?? []
      if (line === undefined) return data
      stores.push(what!)
      if (stores.length > 1) return data
      failedTag = tag
      return data.replace(line, `${tag} NOOP`)
    }
    const toClient = (data: string) =>
      failedTag === undefined
        ? data
        : data.replace(new RegExp(`^${failedTag} OK `, 'm'), `${failedTag} NO [EXPUNGEISSUED] `)
    const relay = await startRelay(dovecot.imapPort, { toServer, toClient })
    onTestFinished(() => relay.stop())
    const login = { host: '127.0.0.1', port: relay.port, tls: 'none', user, password } as const
    const connection = await gateway.connect(login, { timeoutMs: patience, signal })
    onTestFinished(() => connection.close())
    const { uidValidity } = await connection.listMessages('INBOX', 1, undefined)
    const imap = await dovecot.login(user)
    await imap.run('SELECT INBOX')
    await imap.run(`UID STORE ${uids.slice(2 - gone).join()} +FLAGS.SILENT (\\Deleted)`)
    await imap.run('EXPUNGE')
    imap.close()
    const left = uids.slice(0, 2 - gone)
    const changed = await connection.writer.setFlags({ path: 'INBOX', uidValidity, uids }, 'add', ['\\Flagged'])
    expect(changed.map(({ uid, flags }) => [uid, flags.includes('\\Flagged')])).toEqual(left.map(uid => [uid, true]))
    expect(stores.slice(1)).toEqual(left.map(uid => `${uid} +FLAGS.SILENT`))
  })

  /** INBOX of a user with two messages, through a relay that changes what is said. */
  async function withTwo(user: number, changes: Parameters<typeof startRelay>[1]) {
    const { user: name, password } = dovecot.users[user]!
    const uids: number[] = []
    for (const text of ['a', 'b']) uids.push((await dovecot.appendMessage(name, `Subject: ${text}\n\nx\n`)).uid)
    const relay = await startRelay(dovecot.imapPort, changes)
    onTestFinished(() => relay.stop())
    const login = { host: '127.0.0.1', port: relay.port, tls: 'none', user: name, password } as const
    const connection = await gateway.connect(login, { timeoutMs: patience, signal })
    onTestFinished(() => connection.close())
    const { uidValidity } = await connection.listMessages('INBOX', 1, undefined)
    return { connection, target: { path: 'INBOX', uidValidity, uids } }
  }

  test('a change that is refused is not sent a second time', async () => {
    let stores = 0
    const toServer = (data: string) =>
      data.replace(/^(\w+) UID STORE .*(?=\r)/m, (_all, tag: string) => {
        stores++
        return `${tag} NONSENSE`
      })
    const { connection, target } = await withTwo(2, { toServer })
    const change = connection.writer.setFlags(target, 'add', ['\\Flagged'])
    await expect(change).rejects.toMatchObject({ code: 'mail_server_refused' })
    expect(stores).toBe(1)
  })

  test('what stays behind on a server that names no copies is there twice, and told to be', async () => {
    const toClient = (data: string) => {
      const said = data.replaceAll(/ \[COPYUID [^\]\r]*\]/g, '')
      return said.includes('CAPABILITY ') ? said.replaceAll(/ (MOVE|UIDPLUS|QRESYNC)(?=[ \]\r])/g, '') : said
    }
    const toServer = (data: string) => data.replace(/^(\w+) UID STORE .*(?=\r)/m, '$1 NOOP')
    const { connection, target } = await withTwo(2, { toServer, toClient })
    const moved = await connection.writer.move(target, 'Archive')
    expect(moved).toEqual({ places: undefined, left: target.uids, twice: target.uids })
    expect((await connection.listMessages('Archive', 5, undefined)).total).toBe(2)
  })
})
