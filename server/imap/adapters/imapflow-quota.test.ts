/** What a real server says of its limits, and a mailbox that is full. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Dovecot, startDovecot } from '../../../test/support/dovecot.ts'
import { patience } from '../../../test/support/patience.ts'
import { available } from '../../../test/support/require.ts'
import { startRelay } from '../../../test/support/tcp-relay.ts'
import { MailboxFull } from '../gateway-capabilities.ts'
import type { MailConnection } from '../mail-gateway.ts'
import { ImapFlowGateway } from './imapflow-gateway.ts'

const gateway = new ImapFlowGateway()
const alice = { user: 'alice@test.local', password: 'pw-alice', host: '127.0.0.1', tls: 'none' } as const
const { signal } = new AbortController()

describe.skipIf(!available('dovecot'))('on Dovecot', () => {
  let dovecot: Dovecot
  beforeAll(async () => {
    dovecot = await startDovecot({ quotaKib: 64 })
  })
  afterAll(() => dovecot?.stop())

  async function on<T>(port: number, work: (connection: MailConnection) => Promise<T>): Promise<T> {
    const connection = await gateway.connect({ ...alice, port }, { timeoutMs: patience, signal })
    try {
      return await work(connection)
    } finally {
      await connection.close()
    }
  }
  const mail = (bytes: number) => Buffer.from(`Subject: x\r\n\r\n${'x'.repeat(bytes)}\r\n`)

  test('what it offers is told, the quota is read, and a full mailbox is said to be full, not to have too many connections', async () => {
    await on(dovecot.imapPort, async connection => {
      expect(connection.offers).toEqual(expect.arrayContaining(['IDLE', 'MOVE', 'UIDPLUS', 'QUOTA', 'SPECIAL-USE']))
      expect(await connection.quota()).toEqual({
        bytes: { used: 0, limit: 64 * 1024 },
        messages: { used: 0, limit: 100 },
      })
      await connection.writer.append('INBOX', mail(40_000))
      const { bytes, messages } = (await connection.quota())!
      expect(bytes!.used).toBeGreaterThan(39_000)
      expect(messages!.used).toBe(1)
      const full = await connection.writer.append('INBOX', mail(40_000)).catch((error: unknown) => error)
      expect(full).toBeInstanceOf(MailboxFull)
      expect(full).toMatchObject({ code: 'mail_server_refused', extension: { part: 'imap' } })
      expect((full as MailboxFull).extension.fault).toBeUndefined()
      expect((full as MailboxFull).extension.server_response).toContain('OVERQUOTA')
      // It goes on to be used.
      expect((await connection.quota())?.messages?.used).toBe(1)
    })
  })

  test.each(['Over quota', '[ALERT] You exceeded your mail quota.'])(
    'a full mailbox is known by the words of servers without the code: %s',
    async words => {
      const toClient = (data: string) => data.replace(/ NO \[OVERQUOTA\] [^\r]*/, ` NO ${words}`)
      const relay = await startRelay(dovecot.imapPort, { toClient })
      try {
        await on(relay.port, async connection => {
          const full = await connection.writer.append('INBOX', mail(70_000)).catch((error: unknown) => error)
          expect(full).toBeInstanceOf(MailboxFull)
          expect((full as MailboxFull).extension.server_response).toContain(words.replace('[ALERT] ', ''))
        })
      } finally {
        await relay.stop()
      }
    },
  )

  test('a server that keeps no quota, or names a limit of messages', async () => {
    const said = (data: string) => data.replaceAll(/ QUOTA(?=[ \]\r])/g, ' APPENDLIMIT=2000')
    const relay = await startRelay(dovecot.imapPort, { toClient: said })
    try {
      await on(relay.port, async connection => {
        expect(connection.offers).toContain('APPENDLIMIT=2000')
        expect(await connection.quota()).toBeUndefined()
        await expect(connection.writer.append('Sent', mail(3_000))).rejects.toMatchObject({ code: 'too_large' })
        expect(await connection.writer.append('Sent', mail(100))).toBeDefined()
      })
    } finally {
      await relay.stop()
    }
  })

  test.each(['NONSENSE', 'DELETE "no such folder"'])(
    'a server that refuses to name the quota (%s) has none',
    async command => {
      const toServer = (data: string) => data.replace(/(?<=^\w+ )GETQUOTAROOT .*(?=\r)/m, command)
      const relay = await startRelay(dovecot.imapPort, { toServer })
      try {
        await on(relay.port, async connection => {
          expect(await connection.quota()).toBeUndefined()
          expect(await connection.listFolders(false)).not.toEqual([])
        })
      } finally {
        await relay.stop()
      }
    },
  )

  test.each([
    ['(STORAGE 5 0 MESSAGE 1 0)', undefined],
    ['(STORAGE 5 many MESSAGE -1 10 OTHER 1 2)', undefined],
    ['(STORAGE 9 10 STORAGE 5 100 MESSAGE 1 9999999999999999)', { used: 9 * 1024, limit: 10 * 1024 }],
  ])('of %s, limits of nothing and numbers that are none are left out', async (said, bytes) => {
    const toClient = (data: string) => data.replace(/\(STORAGE \d+ \d+ MESSAGE \d+ \d+\)/, said)
    const relay = await startRelay(dovecot.imapPort, { toClient })
    try {
      await on(relay.port, async connection => {
        expect(await connection.quota()).toEqual(bytes && { bytes, messages: undefined })
      })
    } finally {
      await relay.stop()
    }
  })

  test('a connection that breaks meanwhile does not mean that there is no quota', async () => {
    const relay = await startRelay(dovecot.imapPort)
    await on(relay.port, async connection => {
      await relay.stop()
      await expect(connection.quota()).rejects.toMatchObject({ code: 'mail_server_unreachable' })
    })
  })
})
