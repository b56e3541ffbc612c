/** What every mail gateway must do; each adapter's test runs it against a server of its own. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Flag } from '../../contract/mail.ts'
import type { MailLogin } from '../accounts/mail-login.ts'
import type { MailConnection, MailGateway, WatchChange } from './mail-gateway.ts'

export interface TestMessage {
  subject: string
  text?: string
  html?: string
  attachment?: { name: string; type: string }
  /** Carried beside the HTML, as multipart/related (RFC 2387). */
  picture?: { contentId: string; type: string; bytes: Buffer }
  flags?: Flag[]
}

/** A mail server with an empty mailbox, as a suite needs it. */
export interface MailServerUnderTest {
  gateway: MailGateway
  login: MailLogin
  /** Answers the UID. */
  deliver(message: TestMessage, folder?: string): Promise<number>
  /** Ends every connection, as when the server goes away. */
  cut(): Promise<void>
  stop(): Promise<void>
}

const signal = new AbortController().signal
const timeoutMs = 5_000
const maxBytes = 1024

export function mailGatewaySuite(name: string, start: () => Promise<MailServerUnderTest>): void {
  describe(name, () => {
    let server: MailServerUnderTest
    let connection: MailConnection

    beforeEach(async () => {
      server = await start()
      connection = await server.gateway.connect(server.login, { timeoutMs, signal })
    })
    afterEach(async () => {
      await connection?.close()
      await server?.stop()
    })

    test('folders come with their roles and counts', async () => {
      await server.deliver({ subject: 'read', flags: ['seen'] })
      await server.deliver({ subject: 'not read' })
      const folders = await connection.listFolders()
      const inbox = folders.find(folder => folder.role === 'inbox')
      expect(inbox).toMatchObject({ path: 'INBOX', selectable: true, subscribed: true, total: 2, unread: 1 })
      const roles = folders.map(folder => folder.role)
      expect(roles).toEqual(expect.arrayContaining(['archive', 'drafts', 'junk', 'sent', 'trash']))
    })

    test('the newest messages come first, page by page, to the last one', async () => {
      const uids: number[] = []
      for (const subject of ['one', 'two', 'three', 'four', 'five']) uids.push(await server.deliver({ subject }))
      const first = await connection.listMessages('INBOX', 2, undefined)
      expect(first).toMatchObject({ total: 5, hasMore: true })
      expect(first.messages.map(message => message.subject)).toEqual(['five', 'four'])
      const second = await connection.listMessages('INBOX', 2, first.messages.at(-1)?.uid)
      expect(second.messages.map(message => message.uid)).toEqual([uids[2], uids[1]])
      const third = await connection.listMessages('INBOX', 2, second.messages.at(-1)?.uid)
      expect(third).toMatchObject({ hasMore: false, uidValidity: first.uidValidity })
      expect(third.messages.map(message => message.subject)).toEqual(['one'])
      expect((await connection.listMessages('INBOX', 2, uids[0])).messages).toEqual([])
    })

    test('an empty folder is an empty page', async () => {
      const page = await connection.listMessages('Archive', 50, undefined)
      expect(page).toMatchObject({ total: 0, messages: [], hasMore: false })
    })

    test('a message that came while the folder was open is in the next list', async () => {
      await connection.listMessages('INBOX', 10, undefined)
      await server.deliver({ subject: 'late' })
      const page = await connection.listMessages('INBOX', 10, undefined)
      expect(page.messages.map(message => message.subject)).toEqual(['late'])
    })

    test('reading a message gives text, HTML and attachments, and does not mark it as seen', async () => {
      const attachment = { name: 'plan.pdf', type: 'application/pdf' }
      const uid = await server.deliver({ subject: 'Größe ✓', text: 'Grüße\n', html: '<p>Grüße</p>', attachment })
      const { message } = await connection.getMessage('INBOX', uid, maxBytes)
      expect(message).toMatchObject({ uid, subject: 'Größe ✓', html: '<p>Grüße</p>', flags: [], isTruncated: false })
      expect(message?.text?.trim()).toBe('Grüße')
      expect(message?.attachments).toMatchObject([{ ...attachment, is_inline: false }])
      const [listed] = (await connection.listMessages('INBOX', 10, undefined)).messages
      expect(listed).toMatchObject({ uid, flags: [], hasAttachments: true })
    })

    test('a part is given as the bytes that were sent, whole or not at all, and does not mark the message as seen', async () => {
      // Longer than what is asked of a server at a time, and with every byte in it.
      const bytes = Buffer.from(Array.from({ length: 600_000 }, (_, index) => (index * 7 + (index >> 8)) & 0xff))
      const picture = { contentId: 'logo@test.local', type: 'image/png', bytes }
      const uid = await server.deliver({ subject: 'logo', html: '<img src="cid:logo@test.local">', picture })
      const { uidValidity, message } = await connection.getMessage('INBOX', uid, maxBytes)
      expect(message?.attachments).toMatchObject([
        { type: 'image/png', is_inline: true, content_id: picture.contentId },
      ])
      const id = message?.attachments[0]?.id ?? ''
      const found = await connection.findPart('INBOX', uid, id, bytes.length)
      expect(found.uidValidity).toBe(uidValidity)
      expect(found.bytes?.equals(bytes)).toBe(true)
      for (const [otherUid, otherId, max] of [
        [uid, id, bytes.length - 1],
        [uid, '7.7', bytes.length],
        [999_999, id, bytes.length],
      ] as const) {
        expect((await connection.findPart('INBOX', otherUid, otherId, max)).bytes).toBeUndefined()
      }
      const [listed] = (await connection.listMessages('INBOX', 10, undefined)).messages
      expect(listed).toMatchObject({ uid, flags: [], hasAttachments: false })
    })

    test('flags are told', async () => {
      await server.deliver({ subject: 'all', flags: ['seen', 'flagged', 'answered', 'draft'] })
      const [message] = (await connection.listMessages('INBOX', 1, undefined)).messages
      expect(message?.flags.toSorted()).toEqual(['answered', 'draft', 'flagged', 'seen'])
    })

    test('a long part is cut and said to be cut', async () => {
      const uid = await server.deliver({ subject: 'long', text: 'x'.repeat(5_000) })
      const { message } = await connection.getMessage('INBOX', uid, maxBytes)
      expect(message?.text).toHaveLength(maxBytes)
      expect(message?.isTruncated).toBe(true)
    })

    test('a message that is not there is undefined; a folder that is not there is a problem', async () => {
      expect((await connection.getMessage('INBOX', 999_999, maxBytes)).message).toBeUndefined()
      await expect(connection.listMessages('Nowhere', 10, undefined)).rejects.toMatchObject({
        code: 'folder_not_found',
      })
      expect((await connection.listMessages('INBOX', 10, undefined)).total).toBe(0)
    })

    test('arrivals are the UIDs from a given one on, rising, as many as asked for', async () => {
      const { uidNext } = await connection.listArrivals('INBOX', 1, 10)
      expect(await connection.listArrivals('INBOX', uidNext, 10)).toMatchObject({ uidNext, uids: [] })
      const uids = [await server.deliver({ subject: 'a' }), await server.deliver({ subject: 'b' })]
      const arrivals = await connection.listArrivals('INBOX', uidNext, 10)
      expect(arrivals.uids).toEqual(uids)
      expect(arrivals.uidNext).toBeGreaterThan(uids[1] ?? 0)
      expect((await connection.listArrivals('INBOX', uidNext, 1)).uids).toEqual(uids.slice(0, 1))
      expect((await connection.listArrivals('INBOX', arrivals.uidNext, 10)).uids).toEqual([])
    })

    test('a watching connection tells at once of new messages, again and again', async () => {
      const changes: WatchChange[] = []
      const first = await server.deliver({ subject: 'before' })
      const state = await connection.watch('INBOX', change => changes.push(change))
      expect(state.uidNext).toBeGreaterThan(first)
      await server.deliver({ subject: 'one' })
      await vi.waitFor(() => expect(changes).toContainEqual({ kind: 'exists', count: 2 }), 5_000)
      await server.deliver({ subject: 'two' })
      await vi.waitFor(() => expect(changes).toContainEqual({ kind: 'exists', count: 3 }), 5_000)
    })

    test('a wrong password is told apart, in the words of the server and without the password', async () => {
      const login = { ...server.login, password: 'not-the-password' }
      const problem = await server.gateway.connect(login, { timeoutMs, signal }).catch(error => error)
      expect(problem).toMatchObject({ code: 'mail_login_refused', extension: { fault: 'login', part: 'imap' } })
      expect(problem.extension.server_response).toContain('AUTHENTICATIONFAILED')
      expect(JSON.stringify(problem.toBody('1'))).not.toContain('not-the-password')
    })

    test('a connection that we close ends without a reason', async () => {
      await connection.close()
      expect(await connection.closed).toBeUndefined()
      await expect(connection.listFolders()).rejects.toMatchObject({ extension: { fault: 'closed' } })
    })

    test('a connection that the server ends says so, at rest and in IDLE', async () => {
      const watching = await server.gateway.connect(server.login, { timeoutMs, signal })
      await watching.watch('INBOX', () => undefined)
      await server.cut()
      for (const ended of [connection, watching]) {
        expect(await ended.closed).toMatchObject({ code: 'mail_server_unreachable', extension: { fault: 'closed' } })
        await expect(ended.listFolders()).rejects.toMatchObject({ extension: { fault: 'closed' } })
        await ended.close()
      }
    })
  })
}
