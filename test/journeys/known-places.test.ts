/**
 * Messages that operations move and copy on a real mail server, with UIDPLUS and without: where they end up, and which
 * were moved at all, whatever another program does in between.
 */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import type { OperationWithResults } from '../../contract/operations.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { patience } from '../support/patience.ts'
import { available } from '../support/require.ts'
import { runHere, type Served } from '../support/rustymail.ts'
import { startRelay } from '../support/tcp-relay.ts'
import { tempDir } from '../support/temp-dir.ts'

const readsHeaders = /^\w+ UID FETCH [^\r]*ENVELOPE/m

describe.skipIf(!available('dovecot'))('on Dovecot', () => {
  let dovecot: Dovecot
  let run: Served
  const dir = tempDir('places')
  beforeAll(async () => {
    dovecot = await startDovecot()
    run = await runHere({ environment: { RUSTYMAIL_INDEX: 'headers' }, dataDir: join(dir.path, 'data') })
  })
  afterAll(async () => {
    await run?.stop()
    await dovecot?.stop()
    dir.remove()
  })

  /** @param hidden Extensions that are hidden from RustyMail. */
  async function openMailbox(hidden: string) {
    const name = dovecot.newUser()
    const user = `${name}@test.local`
    const imap = await dovecot.login(user)
    onTestFinished(() => imap.close())
    for (const folder of ['Archive', 'Work']) await imap.run(`CREATE ${folder}`).catch(() => undefined)
    for (const subject of ['zero', 'one', 'two', 'three', 'four', 'five', 'six']) {
      await imap.append('INBOX', `Subject: ${subject}\r\nMessage-ID: <${subject}@${name}>\r\n\r\nx\r\n`)
    }
    const sent: string[] = []
    /** What another program does before a matching command reaches the mail server. */
    let between: { command: RegExp; work(): Promise<unknown> } | undefined
    const toClient = (data: string) => {
      const said = hidden.includes('UIDPLUS') ? data.replaceAll(/ \[COPYUID [^\]\r]*\]/g, '') : data
      return said.includes('CAPABILITY ') ? said.replaceAll(new RegExp(` (${hidden})(?=[ \\]\r])`, 'g'), '') : said
    }
    const holds = (data: string) => {
      sent.push(data)
      if (!between?.command.test(data)) return undefined
      const { work } = between
      between = undefined
      return work().then(() => undefined)
    }
    const relay = await startRelay(dovecot.imapPort, { toClient, holds })
    onTestFinished(() => relay.stop())
    const server = { host: '127.0.0.1', port: relay.port, tls: 'none', user, password: `pw-${name}` }
    const { id } = await run.call(api.accounts.createAccount, { body: { email: user, imap: server } })
    const params = { account_id: id }
    onTestFinished(() => run.call(api.accounts.deleteAccount, { params }).then(() => undefined))
    const index = () => run.call(api.mailIndex.getIndex, { params })
    await expect.poll(index, { timeout: patience }).toMatchObject({ state: 'complete', messages: 7 })
    const { items } = await run.call(api.mail.listMessages, { params, query: { folder: 'INBOX', limit: '10' } })
    const ids = new Map(items.map(item => [item.subject, item.id!]))
    const settled = async (operation: string): Promise<OperationWithResults> => {
      const get = () => run.call(api.operations.getOperation, { params: { operation_id: operation } })
      await expect.poll(async () => (await get()).state, { timeout: patience }).not.toBe('pending')
      return get()
    }
    const mailbox = {
      imap,
      idOf: (subject: string) => ids.get(subject)!,
      /** @param other What another program does right before a matching command. */
      act: async (body: object, subjects: string[], other?: { command: RegExp; work(): Promise<unknown> }) => {
        between = other
        sent.splice(0)
        const { id: operation } = await run.call(api.operations.changeMessages, {
          params,
          body: { ids: subjects.map(mailbox.idOf), ...body },
        })
        const { results, state } = await settled(operation)
        return { id: operation, state, results: results.map(result => result.code ?? result.state) }
      },
      undo: async (operation: string) => {
        sent.splice(0)
        const undoing = { params: { operation_id: operation }, body: { dry_run: false } }
        const { undone } = await run.call(api.operations.undoOperation, undoing)
        return (await settled(undone[0]!.undo!.id)).state
      },
      /** Waits until the index has the messages, by subject, in these folders. */
      isIn: async (folders: Record<string, string[]>) => {
        const query = { ids: Object.keys(folders).map(mailbox.idOf).join() }
        const now = async () => {
          const { items: found } = await run.call(api.mailIndex.listMessagesById, { params, query })
          // A message in no folder has UIDVALIDITY 0.
          return Object.fromEntries(found.map(item => [item.subject, item.uid_validity ? item.folders.toSorted() : []]))
        }
        await expect.poll(now, { timeout: patience }).toEqual(folders)
      },
      /** Returns how often headers were read since the last change. */
      headerReads: () => sent.filter(data => readsHeaders.test(data)).length,
      uidOf: async (folder: string, subject: string) => {
        await imap.run(`SELECT ${folder}`)
        const found = await imap.run(`UID SEARCH SUBJECT ${subject}`)
        return /SEARCH (\d+)/.exec(found)?.[1]
      },
      removeFrom: async (folder: string, subject: string) => {
        const uid = await mailbox.uidOf(folder, subject)
        await imap.run(`UID STORE ${uid} +FLAGS.SILENT (\\Deleted)`)
        await imap.run(`UID EXPUNGE ${uid}`)
      },
    }
    return mailbox
  }

  test('what was moved or copied is known at its new place by its id, and is not read again', async () => {
    const { act, isIn, undo, imap, uidOf, headerReads } = await openMailbox('nothing')
    await imap.run(`UID STORE ${await uidOf('INBOX', 'two')} +FLAGS (\\Flagged)`)
    const moved = await act({ move_to: { folder: 'Archive' } }, ['one', 'two'])
    expect(moved.results).toEqual(['done', 'done'])
    await isIn({ one: ['Archive'], two: ['Archive'] })
    expect(headerReads()).toBe(0)
    expect((await act({ copy_to: { folder: 'Work' } }, ['one', 'three'])).state).toBe('done')
    await isIn({ one: ['Archive', 'Work'], three: ['INBOX', 'Work'] })
    expect(headerReads()).toBe(0)
    expect(await undo(moved.id)).toBe('done')
    await isIn({ one: ['INBOX', 'Work'], two: ['INBOX'] })
  })

  test('what another program moves on, or deletes, before the index has looked is not where it was moved to', async () => {
    const { act, isIn, imap, uidOf, removeFrom } = await openMailbox('nothing')
    const work = async () => {
      const uid = await uidOf('Archive', 'one')
      await imap.run(`UID MOVE ${uid} Work`)
      await removeFrom('Archive', 'two')
    }
    // The index requests the flags of new messages.
    const other = { command: /UID FETCH \S+ \((?:UID )?FLAGS\b/, work }
    expect((await act({ move_to: { folder: 'Archive' } }, ['one', 'two', 'three'], other)).state).toBe('done')
    await isIn({ one: ['Work'], two: [], three: ['Archive'], four: ['INBOX'] })
  })

  test('what came into the same folder by others meanwhile is read, and is not taken for what was moved', async () => {
    const { act, isIn, imap, uidOf } = await openMailbox('nothing')
    const work = async () => {
      await imap.run('SELECT INBOX')
      await imap.run(`UID MOVE ${await uidOf('INBOX', 'four')} Archive`)
    }
    const other = { command: /UID MOVE/, work }
    expect((await act({ move_to: { folder: 'Archive' } }, ['one', 'three'], other)).state).toBe('done')
    await isIn({ one: ['Archive'], two: ['INBOX'], three: ['Archive'], four: ['Archive'] })
  })

  describe.each([
    ['which says what it moved', 'nothing'],
    ['without UIDPLUS', 'UIDPLUS'],
    ['without MOVE', 'MOVE'],
    ['without both', 'MOVE|UIDPLUS'],
  ])('on a server %s', (_name, hidden) => {
    const command = hidden.includes('MOVE') ? /UID COPY/ : /UID MOVE/

    test('what another program deletes right before the command is gone, and all else is done', async () => {
      const { act, isIn, uidOf, removeFrom, imap, headerReads } = await openMailbox(hidden)
      // Marked by another program, which may still change its mind.
      await imap.run(`UID STORE ${await uidOf('INBOX', 'four')} +FLAGS.SILENT (\\Deleted)`)
      const other = (at: RegExp, subject: string) => ({ command: at, work: () => removeFrom('INBOX', subject) })
      const move = { move_to: { folder: 'Archive' } }
      const left = hidden === 'MOVE|UIDPLUS' ? ['Archive', 'INBOX'] : ['Archive']
      const moved = hidden === 'MOVE|UIDPLUS' ? 'marked_deleted' : 'done'
      const partly = (code: string) => ({ state: 'partial', results: ['message_not_found', code] })
      expect(await act({ add: ['flagged'] }, ['zero', 'one'], other(/UID STORE/, 'zero'))).toMatchObject(partly('done'))
      // Dovecot refuses the whole command then.
      expect(await act(move, ['one', 'two'], other(command, 'one'))).toMatchObject(partly(moved))
      await isIn({ one: [], two: left, three: ['INBOX'], four: ['INBOX'] })
      // What the server does not report is read.
      if (hidden.includes('UIDPLUS')) expect(headerReads()).toBeGreaterThan(0)
      // If a message was gone when the folder was opened, the others are still done.
      expect(await act(move, ['five', 'six'], other(/ SELECT "?INBOX/, 'five'))).toMatchObject(partly(moved))
      const none = { state: 'failed', results: ['message_not_found'] }
      expect(await act(move, ['three'], other(command, 'three'))).toMatchObject(none)
      await isIn({ five: [], six: left, three: [], four: ['INBOX'] })
      expect([await uidOf('INBOX', 'four'), await uidOf('Archive', 'two')]).toEqual(['5', '1'])
    })
  })
})
