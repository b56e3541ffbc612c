/** The contract of mail gateway capabilities; each adapter's test runs it, with and without the server extensions. */
import { createHash, randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { TransferDecoder } from '../reading/transfer-decoder.ts'
import { type FlagStanding, type WriteTarget, wholeMessage } from './gateway-capabilities.ts'
import type { MailServerUnderTest } from './mail-gateway.suite.ts'
import type { MailConnection } from './mail-gateway.ts'

export interface CapableServer extends MailServerUnderTest {
  /** The server reports where copies are, and deletes single messages (UIDPLUS). */
  hasUidPlus: boolean
  /** The server keeps modification sequences (CONDSTORE). */
  hasModseq: boolean
}

const signal = new AbortController().signal
const mail = (subject: string) => Buffer.from(`Subject: ${subject}\r\n\r\nbody\r\n`)

export function gatewayCapabilitiesSuite(name: string, start: () => Promise<CapableServer>): void {
  describe(name, () => {
    let server: CapableServer
    let connection: MailConnection

    beforeEach(async () => {
      server = await start()
      connection = await server.gateway.connect(server.login, { timeoutMs: 5_000, signal })
    })
    afterEach(async () => {
      await connection?.close()
      await server?.stop()
    })

    const inbox = async (...uids: number[]): Promise<WriteTarget> => {
      const { uidValidity } = await connection.listMessages('INBOX', 1, undefined)
      return { path: 'INBOX', uidValidity, uids }
    }
    const uidsIn = async (path: string) =>
      (await connection.listMessages(path, 50, undefined)).messages.map(({ uid }) => uid).toReversed()
    const subjectsIn = async (path: string) =>
      (await connection.listMessages(path, 50, undefined)).messages.map(({ subject }) => subject).toReversed()
    const deliver = async (...subjects: string[]) => {
      const uids: number[] = []
      for (const subject of subjects) uids.push(await server.deliver({ subject }))
      return uids
    }

    test('a part is described and read piece by piece, to the last byte', async () => {
      const bytes = randomBytes(700_000)
      const picture = { contentId: 'a@test.local', type: 'image/png', bytes }
      const uid = await server.deliver({ subject: 'file', html: '<img src="cid:a@test.local">', picture })
      const { message } = await connection.getMessage('INBOX', uid, 1024)
      const { id } = message!.attachments[0]!
      const { uidValidity, part } = await connection.parts.describe('INBOX', uid, id)
      expect(uidValidity).toBe((await inbox()).uidValidity)
      expect(part).toMatchObject({ type: 'image/png', encoding: expect.any(String), sizeBytes: expect.any(Number) })
      const decoder = new TransferDecoder(part!.encoding)
      const digest = createHash('sha256')
      const length = 100_000
      let start = 0
      for (let isLast = false; !isLast; ) {
        const piece = await connection.parts.read('INBOX', uid, { section: part!.section, start, length })
        start += piece.bytes!.length
        isLast = piece.bytes!.length < length
        digest.update(decoder.push(piece.bytes!))
      }
      digest.update(decoder.end())
      expect(digest.digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'))
      expect(start).toBe(part!.sizeBytes)
      expect((await connection.parts.describe('INBOX', uid, '7.7')).part).toBeUndefined()
      const several = await connection.parts.describeAll('INBOX', uid, ['7.7', id])
      expect(several).toEqual({ uidValidity, parts: [undefined, part] })
      expect((await connection.parts.describe('INBOX', uid + 9, id)).part).toBeUndefined()
      const gone = { section: part!.section, start: 0, length }
      expect((await connection.parts.read('INBOX', uid + 9, gone)).bytes).toBeUndefined()
      const [listed] = (await connection.listMessages('INBOX', 1, undefined)).messages
      expect(listed!.flags).toEqual([])
    })

    test('a message is read as it was sent, piece by piece, and none that is gone', async () => {
      const picture = { contentId: 'a@test.local', type: 'image/png', bytes: randomBytes(5_000) }
      const uid = await server.deliver({ subject: 'as it is', html: '<p>first', picture })
      const { part } = await connection.parts.describeWhole('INBOX', uid)
      expect(part).toMatchObject({
        name: 'as it is',
        type: 'message/rfc822',
        encoding: 'binary',
        section: wholeMessage,
      })
      const read = async (start: number, length: number) =>
        (await connection.parts.read('INBOX', uid, { section: wholeMessage, start, length })).bytes!
      const whole = await read(0, 1_000_000)
      expect(whole.toString()).toMatch(/^(?:.+\r\n)*Subject: as it is\r\n/)
      expect(whole.toString()).toContain('first')
      const pieces = []
      for (let start = 0; start < whole.length; start += 1_000) pieces.push(await read(start, 1_000))
      expect(Buffer.concat(pieces).equals(whole)).toBe(true)
      expect(await read(whole.length, 1_000)).toHaveLength(0)
      expect((await connection.parts.describeWhole('INBOX', uid + 9)).part).toBeUndefined()
      const gone = { section: wholeMessage, start: 0, length: 9 }
      expect((await connection.parts.read('INBOX', uid + 9, gone)).bytes).toBeUndefined()
      const [listed] = (await connection.listMessages('INBOX', 1, undefined)).messages
      expect(listed!.flags).toEqual([])
    })

    test('flags are set and taken away, of those that are there, and are told', async () => {
      const [one = 0, two = 0, three = 0] = await deliver('one', 'two', 'three')
      const { writer } = connection
      const added = await writer.setFlags(await inbox(one, three, 4_000_000), 'add', ['\\Flagged', '\\Seen'])
      expect(added.map(({ uid, flags }) => [uid, flags.filter(flag => flag !== '\\Recent').toSorted()])).toEqual([
        [one, ['\\Flagged', '\\Seen']],
        [three, ['\\Flagged', '\\Seen']],
      ])
      await writer.setFlags(await inbox(three), 'remove', ['\\Seen'])
      const { messages } = await connection.listMessages('INBOX', 10, undefined)
      const flags = new Map(messages.map(message => [message.uid, message.flags.toSorted()]))
      expect([one, two, three].map(uid => flags.get(uid))).toEqual([['flagged', 'seen'], [], ['flagged']])
      expect(await writer.setFlags(await inbox(), 'add', ['\\Seen'])).toEqual([])
    })

    test('copies and moves tell where the messages are now', async () => {
      const [one = 0, two = 0, three = 0] = await deliver('one', 'two', 'three')
      const copied = await connection.writer.copy(await inbox(one), 'Archive')
      let isSent = false
      const sent = () => {
        isSent = true
      }
      const moved = await connection.writer.move({ ...(await inbox(two, three, 4_000_000)), sent }, 'Archive')
      expect(isSent).toBe(true)
      expect(moved.left).toEqual(server.hasUidPlus ? [] : [two, three])
      expect(await subjectsIn('Archive')).toEqual(['one', 'two', 'three'])
      expect(await uidsIn('INBOX')).toEqual(server.hasUidPlus ? [one] : [one, two, three])
      if (!server.hasUidPlus) return expect([copied, moved.places]).toEqual([undefined, undefined])
      const { uidValidity } = await connection.listMessages('Archive', 1, undefined)
      const uids = await uidsIn('Archive')
      expect(copied).toEqual({ uidValidity, uids: new Map([[one, uids[0]]]) })
      expect(moved.places).toEqual({
        uidValidity,
        uids: new Map([
          [two, uids[1]],
          [three, uids[2]],
        ]),
      })
      expect(await connection.writer.move(await inbox(), 'Archive')).toEqual({ places: undefined, left: [], twice: [] })
    })

    test('of messages that another program took away before, nothing is copied or moved, and that is told', async () => {
      await deliver('one')
      const { writer } = connection
      const copied = await writer.copy(await inbox(4_000_000), 'Archive')
      const moved = await writer.move(await inbox(4_000_000), 'Archive')
      const none = server.hasUidPlus ? 0 : undefined
      expect([copied?.uids.size, moved.places?.uids.size, moved.left]).toEqual([none, none, []])
      expect([await subjectsIn('INBOX'), await subjectsIn('Archive')]).toEqual([['one'], []])
    })

    test('what is deleted for good are these messages alone, whatever others have marked', async () => {
      const [one = 0, two = 0, three = 0] = await deliver('one', 'two', 'three')
      await connection.writer.setFlags(await inbox(three), 'add', ['\\Deleted'])
      const expunge = async () => connection.writer.expunge(await inbox(two))
      if (!server.hasUidPlus) {
        await expect(expunge()).rejects.toMatchObject({ code: 'mail_server_refused' })
        return expect(await uidsIn('INBOX')).toEqual([one, two, three])
      }
      expect(await expunge()).toEqual([two])
      expect(await uidsIn('INBOX')).toEqual([one, three])
    })

    test('a message is put into a folder with its flags and its date, and where it is is told', async () => {
      const date = new Date('2024-02-29T13:07:09.000Z')
      const place = await connection.writer.append('Drafts', mail('a draft'), { flags: ['\\Draft', '\\Seen'], date })
      const page = await connection.listMessages('Drafts', 1, undefined)
      expect(page.messages).toMatchObject([{ subject: 'a draft', date: date.toISOString() }])
      expect(page.messages[0]!.flags.toSorted()).toEqual(['draft', 'seen'])
      const { uid } = page.messages[0]!
      expect(place).toEqual(server.hasUidPlus ? { uidValidity: page.uidValidity, uid } : undefined)
    })

    test('nothing is done in a folder that was made again, or that is not there', async () => {
      const [uid = 0] = await deliver('one')
      const target = await inbox(uid)
      const sent = () => expect.unreachable('nothing is sent')
      const other = { ...target, uidValidity: target.uidValidity + 1, sent }
      const { writer } = connection
      for (const work of [
        () => writer.setFlags(other, 'add', ['\\Seen']),
        () => writer.copy(other, 'Archive'),
        () => writer.move(other, 'Archive'),
        () => writer.expunge(other),
      ]) {
        await expect(work()).rejects.toMatchObject({ code: 'stale_ref' })
      }
      await expect(writer.setFlags({ ...target, path: 'Nowhere' }, 'add', ['\\Seen'])).rejects.toMatchObject({
        code: 'folder_not_found',
      })
      await expect(writer.move(target, 'Nowhere')).rejects.toMatchObject({ name: 'Problem' })
      await expect(writer.append('Nowhere', mail('x'))).rejects.toMatchObject({ name: 'Problem' })
      expect((await connection.listMessages('INBOX', 5, undefined)).messages).toMatchObject([{ uid, flags: [] }])
      expect(await uidsIn('Archive')).toEqual([])
    })

    test('what changed since the last time are flags of known messages and those that vanished, and then nothing', async () => {
      const uids = await deliver('one', 'two', 'three', 'four', 'five')
      const [one = 0, two = 0, three = 0, four = 0, five = 0] = uids
      const known = { uidValidity: (await inbox()).uidValidity, uids: [[one, five] as const] }
      const { changes, writer } = connection
      const first = await changes.changesSince('INBOX', { ...known, modseq: undefined })
      expect(first.vanished).toEqual([])
      expect(first.changed.map(({ uid }) => uid)).toEqual(uids)
      expect(first.modseq !== undefined).toBe(server.hasModseq)
      // Changes made by another connection.
      const other = await server.gateway.connect(server.login, { timeoutMs: 5_000, signal })
      const target = await inbox(two)
      await other.writer.setFlags(target, 'add', ['\\Flagged'])
      if (server.hasUidPlus) await other.writer.expunge({ ...target, uids: [three, four] })
      await other.close()
      await deliver('six')
      const second = await changes.changesSince('INBOX', { ...known, modseq: first.modseq })
      expect(second.vanished).toEqual(server.hasUidPlus ? [[three, four]] : [])
      const changed = second.changed.filter(({ flags }) => flags.includes('\\Flagged')).map(({ uid }) => uid)
      expect(changed).toEqual([two])
      if (server.hasModseq) expect(second.changed.map(({ uid }) => uid)).toEqual([two])
      const left = {
        ...known,
        uids: server.hasUidPlus
          ? ([
              [one, two],
              [five, five],
            ] as const)
          : known.uids,
      }
      const third = await changes.changesSince('INBOX', { ...left, modseq: second.modseq })
      expect(third.vanished).toEqual([])
      if (server.hasModseq) expect(third.changed).toEqual([])
      // The connection that was notified of them still counts correctly.
      expect(await subjectsIn('INBOX')).toHaveLength(server.hasUidPlus ? 4 : 6)
      await writer.setFlags(await inbox(five), 'add', ['\\Seen'])
      const fourth = await changes.changesSince('INBOX', { ...left, modseq: third.modseq })
      expect(fourth.changed.filter(({ flags }) => flags.includes('\\Seen')).map(({ uid }) => uid)).toEqual([five])
    })

    test('which messages have a flag is told by the flag, before and after they are changed', async () => {
      const [one = 0, two = 0, three = 0] = await deliver('one', 'two', 'three')
      const { writer, changes } = connection
      const asked = ['\\Flagged', '\\Seen', 'urgent']
      const uids = [[one, three + 1_000] as const]
      const said = ({ there, having }: FlagStanding) => [there, ...asked.map(flag => having.get(flag))]
      expect(said(await changes.flagStanding('INBOX', uids, asked))).toEqual([[[one, three]], [], [], []])
      const first = await writer.changeFlags(await inbox(one, two, three + 9), { add: asked.slice(1), remove: [] })
      expect(first.there).toEqual([[one, two]])
      expect(first.having.get('\\Seen')).toEqual([[one, two]])
      const second = await writer.changeFlags(await inbox(two, three), { add: ['\\Flagged'], remove: ['\\Seen'] })
      expect([...second.having]).toEqual([
        ['\\Flagged', [[two, three]]],
        ['\\Seen', []],
      ])
      const { uidValidity, ...standing } = await changes.flagStanding('INBOX', uids, asked)
      expect(uidValidity).toBe((await inbox()).uidValidity)
      expect(said(standing)).toEqual([[[one, three]], [[two, three]], [[one, one]], [[one, two]]])
      expect((await changes.flagStanding('Archive', uids, asked)).there).toEqual([])
    })

    test('of a folder that was made again, and of an empty one, nothing is compared', async () => {
      const [uid = 0] = await deliver('one')
      const { uidValidity } = await inbox()
      const known = { uidValidity, modseq: undefined, uids: [[uid, uid] as const] }
      const { changes } = connection
      const other = await changes.changesSince('INBOX', { ...known, uidValidity: uidValidity + 1 })
      expect(other).toMatchObject({ uidValidity, changed: [], vanished: [] })
      expect(await changes.changesSince('INBOX', { ...known, uids: [] })).toMatchObject({ changed: [], vanished: [] })
      const archive = (await connection.listMessages('Archive', 1, undefined)).uidValidity
      const gone = await changes.changesSince('Archive', { uidValidity: archive, modseq: undefined, uids: [[3, 9]] })
      expect(gone).toMatchObject({ changed: [], vanished: [[3, 9]] })
    })

    test('headers come by UID, the newest of a range, with what threads are made of', async () => {
      const [one = 0, two = 0, three = 0] = await deliver('one', 'two', 'three')
      const read = (first: number, last: number, limit: number) =>
        connection.changes.listHeaders('INBOX', [first, last], limit)
      const { headers, uidValidity, hasMore } = await read(1, 4_294_967_295, 2)
      expect(hasMore).toBe(true)
      expect(uidValidity).toBe((await inbox()).uidValidity)
      expect(headers).toMatchObject([
        { uid: three, subject: 'three', flags: [], references: [], inReplyTo: null },
        { uid: two, subject: 'two' },
      ])
      expect((await read(one, two, 9)).headers.map(({ uid }) => uid)).toEqual([two, one])
      expect((await read(three + 1, three + 9, 9)).headers).toEqual([])
      const oldest = await connection.changes.listHeaders('INBOX', [one, three], 2, 'oldest')
      expect([oldest.headers.map(({ uid }) => uid), oldest.hasMore]).toEqual([[two, one], true])
      const rest = await connection.changes.listHeaders('INBOX', [three, 4_294_967_295], 2, 'oldest')
      expect([rest.headers.map(({ uid }) => uid), rest.hasMore]).toEqual([[three], false])
    })

    test('how folders stand is told without opening them, and changes with each message', async () => {
      const standingOf = async (path: string) => {
        const standings = await connection.changes.listStandings(5_000, ['Archive'])
        return standings.find(standing => standing.path === path)
      }
      const before = await standingOf('INBOX')
      expect(before).toMatchObject({ path: 'INBOX', role: 'inbox', isSelectable: true })
      const [uid = 0] = await deliver('one')
      const after = await standingOf('INBOX')
      expect(after!.status).toEqual({
        uidValidity: (await inbox()).uidValidity,
        uidNext: uid + 1,
        total: before!.status!.total + 1,
        modseq: server.hasModseq ? expect.any(BigInt) : undefined,
      })
      expect(after!.status!.modseq === before!.status!.modseq).toBe(!server.hasModseq)
      const archive = await standingOf('Archive')
      await connection.writer.copy(await inbox(uid), 'Archive')
      expect((await standingOf('Archive'))!.status!.total).toBe(archive!.status!.total + 1)
    })

    test('texts come as they are on the wire, each cut at a bound, of many messages at once', async () => {
      const picture = { contentId: 'a@test.local', type: 'image/png', bytes: randomBytes(50) }
      const one = await server.deliver({ subject: 'one', html: '<p>first words</p>', picture })
      const two = await server.deliver({ subject: 'two', html: `<p>${'x'.repeat(3_000)}</p>`, picture })
      const { uidValidity, texts, memory } = await connection.changes.listTexts('INBOX', [one, two, two + 9], 1_000)
      expect(uidValidity).toBe((await inbox()).uidValidity)
      expect(texts.map(({ uid, parts }) => [uid, parts.map(({ type }) => type)])).toEqual([
        [one, ['text/html']],
        [two, ['text/html']],
      ])
      expect(texts[0]!.parts[0]!.bytes.toString().trim()).toBe('<p>first words</p>')
      expect(texts[1]!.parts[0]!.bytes).toHaveLength(1_000)
      if (memory.length > 0)
        expect(new Set(texts.flatMap(({ parts }) => parts.map(({ bytes }) => bytes.buffer)))).toEqual(new Set(memory))
      expect((await connection.listMessages('INBOX', 1, undefined)).messages[0]!.flags).toEqual([])
    })
  })
}
