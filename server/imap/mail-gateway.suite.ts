/** The contract of every mail gateway; each adapter's test runs it against a server of its own. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Address, Flag } from '../../contract/mail.ts'
import { findMessages, termOf } from '../../test/support/found-messages.ts'
import type { PasswordLogin } from '../accounts/mail-login.ts'
import type { MailConnection, MailGateway, WatchChange } from './mail-gateway.ts'

export interface TestMessage {
  subject: string
  /** Bob by default. */
  from?: Address
  /** Alice by default. */
  to?: Address[]
  cc?: Address
  text?: string
  html?: string
  attachment?: { name: string; type: string }
  /** Carried beside the HTML, as multipart/related (RFC 2387). */
  picture?: { contentId: string; type: string; bytes: Buffer }
  flags?: Flag[]
}

/** A mail server with an empty mailbox, as the suite needs it. */
export interface MailServerUnderTest {
  gateway: MailGateway
  login: PasswordLogin
  /** Returns the UID. */
  deliver(message: TestMessage, folder?: string): Promise<number>
  /** Ends every connection, as when the server goes down. */
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

    test('of many recipients at least the first hundred are listed, and all are counted', async () => {
      const to = Array.from({ length: 150 }, (_, index) => ({ name: null, email: `a${index}@test.local` }))
      const uid = await server.deliver({ subject: 'everybody', to, cc: to[0]! })
      const [listed] = (await connection.listMessages('INBOX', 1, undefined)).messages
      const { message } = await connection.getMessage('INBOX', uid, maxBytes)
      for (const seen of [listed, message]) {
        expect(seen).toMatchObject({ fromCount: 1, toCount: 150, faults: [] })
        expect(seen?.to.slice(0, 100)).toEqual(to.slice(0, 100))
      }
      expect(message).toMatchObject({ ccCount: 1, bccCount: 0, attachmentCount: 0 })
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

    describe('a search', () => {
      /** The subjects that it finds, newest first. */
      const find = async (query: string, inBody = true) => {
        const { messages, total } = await findMessages(connection, 'INBOX', termOf(query, inBody))
        expect(total).toBe(messages.length)
        return messages.map(message => message.subject)
      }
      const anna = { name: 'Anna Grün', email: 'anna@test.local' }

      test('looks in subjects, senders, recipients and the text, and for all that it is asked', async () => {
        await server.deliver({ subject: 'Minutes of the board', text: 'The lighthouse is sold.' })
        await server.deliver({ subject: 'Lighthouse for sale', text: 'Nothing else.', cc: anna })
        await server.deliver({ subject: 'Hello', from: anna, text: 'Do you like tea?' })
        expect(await find('lighthouse')).toEqual(['Lighthouse for sale', 'Minutes of the board'])
        expect(await find('lighthouse', false)).toEqual(['Lighthouse for sale'])
        expect(await find('lighthouse sold board')).toEqual(['Minutes of the board'])
        expect(await find('"lighthouse is"')).toEqual(['Minutes of the board'])
        expect(await find('anna')).toEqual(['Hello', 'Lighthouse for sale'])
        expect(await find('from:anna')).toEqual(['Hello'])
        expect(await find('from:anna from:test.local tea like')).toEqual(['Hello'])
        expect(await find('to:anna')).toEqual(['Lighthouse for sale'])
        expect(await find('subject:lighthouse subject:sale')).toEqual(['Lighthouse for sale'])
        expect(await find('from:anna subject:lighthouse')).toEqual([])
        expect(await find('-lighthouse')).toEqual(['Hello'])
        expect(await find('-anna -tea')).toEqual(['Minutes of the board'])
        expect(await find('lighthouse -subject:minutes')).toEqual(['Lighthouse for sale'])
        expect(await find('-from:nobody')).toHaveLength(3)
      })

      test('knows flags, days and sizes', async () => {
        const dayIn = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)
        await server.deliver({ subject: 'new' })
        await server.deliver({ subject: 'read', flags: ['seen', 'answered'] })
        await server.deliver({ subject: 'kept', flags: ['seen', 'flagged'], text: 'x'.repeat(60_000) })
        expect(await find('is:unread')).toEqual(['new'])
        expect(await find('is:read -is:answered')).toEqual(['kept'])
        expect(await find('is:read is:unread')).toEqual([])
        expect(await find('is:flagged larger:50k')).toEqual(['kept'])
        expect(await find('-larger:50k')).toEqual(['read', 'new'])
        expect(await find(`after:${dayIn(-1)} before:${dayIn(2)}`)).toHaveLength(3)
        expect(await find(`after:${dayIn(2)}`)).toEqual([])
        expect(await find(`before:${dayIn(-1)}`)).toEqual([])
        expect(await find(`-before:${dayIn(-1)} -after:${dayIn(2)}`)).toHaveLength(3)
      })

      test('finds words of every alphabet', async () => {
        await server.deliver({ subject: 'Größe der Straße', text: 'пятьдесят станций' })
        await server.deliver({ subject: '気象計のお見積り', text: 'None.', from: anna })
        expect(await find('größe')).toEqual(['Größe der Straße'])
        expect(await find('пятьдесят станций')).toEqual(['Größe der Straße'])
        expect(await find('見積り from:grün')).toEqual(['気象計のお見積り'])
        expect(await find('-größe')).toEqual(['気象計のお見積り'])
      })

      test('takes quotes, backslashes and pieces of IMAP for nothing but words', async () => {
        const strange = ['say "when"', 'C:\\temp', 'x) OR (ALL', '{5}', '* BYE', '(', '%', 'NIL', 'é" ALL "é']
        await server.deliver({ subject: 'plain' })
        for (const text of strange) {
          for (const term of [{ kind: 'subject', text } as const, { kind: 'text', text, inBody: true } as const])
            expect([text, (await connection.search('INBOX', term, 50)).found]).toEqual([text, []])
        }
        await server.deliver({ subject: 'They say "when" on C:\\temp (100%)' })
        for (const phrase of ['"say \\"when\\""', '"C:\\\\temp"', '"(100%)"'])
          expect(await find(phrase)).toHaveLength(1)
        expect(await connection.listFolders()).toHaveLength(6)
      })

      test('joins terms as they are joined, within each other too', async () => {
        await server.deliver({ subject: 'tea and milk' })
        await server.deliver({ subject: 'tea', cc: anna, text: 'long '.repeat(1_000) })
        await server.deliver({ subject: 'milk', from: anna, flags: ['flagged'] })
        await server.deliver({ subject: 'water', text: 'tea' })
        expect(await find('subject:tea OR subject:milk')).toEqual(['milk', 'tea', 'tea and milk'])
        expect(await find('subject:tea -(subject:milk OR cc:anna)')).toEqual([])
        expect(await find('-(subject:tea subject:milk)')).toEqual(['water', 'milk', 'tea'])
        expect(await find('(subject:tea subject:milk) OR (is:flagged from:anna)')).toEqual(['milk', 'tea and milk'])
        expect(await find('(subject:tea OR subject:milk) (from:anna OR cc:anna)')).toEqual(['milk', 'tea'])
        expect(await find('-(-subject:water)')).toEqual(['water'])
        expect(await find('body:tea')).toEqual(['water'])
        expect(await find('is:unflagged subject:milk')).toEqual(['tea and milk'])
        expect(await find('smaller:3k -subject:water')).toEqual(['milk', 'tea and milk'])
        expect(await find('wat*')).toEqual(['water'])
      })

      test('tells of the newest, and when they were received, below a UID too', async () => {
        const uids: number[] = []
        for (const subject of ['tea 1', 'milk', 'tea 2', 'tea 3', 'milk', 'tea 4', 'tea 5']) {
          uids.push(await server.deliver({ subject }))
        }
        const tea = termOf('subject:tea')
        const page = await connection.search('INBOX', tea, 2)
        expect(page).toMatchObject({ total: 5, found: [{ uid: uids[6] }, { uid: uids[5] }] })
        const listed = await connection.listMessages('INBOX', 10, undefined)
        const dates = new Map(listed.messages.map(({ uid, date }) => [uid, date]))
        expect(page.found.map(({ date }) => date)).toEqual([dates.get(uids[6]!), dates.get(uids[5]!)])
        expect(page.uidValidity).toBe(listed.uidValidity)
        expect(await connection.search('INBOX', tea, 5, uids[3])).toMatchObject({
          total: 2,
          found: [{ uid: uids[2] }, { uid: uids[0] }],
        })
        expect(await connection.search('INBOX', tea, 5, uids[0])).toMatchObject({ total: 0, found: [] })
        expect(await connection.search('INBOX', tea, 5, 1)).toMatchObject({ total: 0, found: [] })
        expect((await connection.search('INBOX', undefined, 50)).total).toBe(7)
        const { headers } = await connection.changes.headersOf('INBOX', [uids[0]!, uids[6]!, 999_999])
        expect(headers.map(({ subject }) => subject)).toEqual(['tea 5', 'tea 1'])
      })

      test('that finds nothing is an empty page, and one in a folder that is not there is a problem', async () => {
        expect(await connection.search('Archive', termOf('anything'), 5)).toMatchObject({ total: 0, found: [] })
        await expect(connection.search('Nowhere', termOf('anything'), 5)).rejects.toMatchObject({
          code: 'folder_not_found',
        })
      })

      test('marks nothing as seen', async () => {
        await server.deliver({ subject: 'tea', text: 'green' })
        await find('green')
        expect(await find('green is:unread')).toEqual(['tea'])
      })
    })

    test('previews are how plain texts begin, of those that were asked for, and mark nothing as seen', async () => {
      const plain = await server.deliver({ subject: 'a', text: `Grüße, ${'long '.repeat(1_000)}` })
      await server.deliver({ subject: 'b', text: 'not asked for' })
      const short = await server.deliver({ subject: 'c', text: 'short' })
      const previews = await connection.listPreviews('INBOX', [plain, short, 4_000_000], 64)
      expect([...previews.keys()].toSorted()).toEqual([plain, short].toSorted())
      expect(previews.get(plain)).toMatch(/^Grüße, (long )+/)
      expect(previews.get(plain)!.length).toBeLessThanOrEqual(64)
      expect(previews.get(short)!.trim()).toBe('short')
      expect((await connection.listPreviews('INBOX', [], 64)).size).toBe(0)
      const { messages } = await connection.listMessages('INBOX', 10, undefined)
      expect(messages.flatMap(({ flags }) => flags)).toEqual([])
      await expect(connection.listPreviews('Nowhere', [plain], 64)).rejects.toMatchObject({ code: 'folder_not_found' })
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

    test('of messages that arrive, subject and senders are told, and those that are gone are left out', async () => {
      const uid = await server.deliver({ subject: 'Grüße', from: { name: 'Bob Stone', email: 'bob@test.local' } })
      const other = await server.deliver({ subject: 'again' })
      const heads = await connection.listHeads('INBOX', [uid, other, other + 7])
      expect([...heads.keys()].sort((a, b) => a - b)).toEqual([uid, other])
      expect(heads.get(uid)).toEqual({ subject: 'Grüße', from: [{ name: 'Bob Stone', email: 'bob@test.local' }] })
      expect(await connection.listHeads('INBOX', [])).toEqual(new Map())
    })

    test('a watching connection tells at once of new messages, again and again', async () => {
      const changes: WatchChange[] = []
      const first = await server.deliver({ subject: 'before' })
      const state = await connection.watch('INBOX', change => changes.push(change))
      expect(state.uidNext).toBeGreaterThan(first)
      await server.deliver({ subject: 'one' })
      await vi.waitFor(() => expect(changes).toContainEqual({ kind: 'exists', count: 2 }))
      await server.deliver({ subject: 'two' })
      await vi.waitFor(() => expect(changes).toContainEqual({ kind: 'exists', count: 3 }))
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
