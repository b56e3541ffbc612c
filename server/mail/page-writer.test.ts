/** Pages of the index as text, through its real threads: never an older one than what was written, and none of a folder that is not known to its end. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { folder, onEachIndex, recordOf } from '../../test/support/index-world.ts'
import { MessageRefs } from '../imap/message-ref.ts'
import { IndexThreads } from '../index/index-threads.ts'
import type { FolderBatch } from '../index/index-types.ts'
import { Signer } from '../platform/secret-box.ts'

const key = Buffer.alloc(32, 1)
const refs = new MessageRefs(new Signer(key))
const module = pathToFileURL(join(import.meta.dirname, 'index-writers.ts')).href

interface Page {
  items: { ref: string; uid: number; flags: string[]; preview?: string | null; sender_warnings: string[] }[]
  next_cursor: string | null
  total: number
}

onEachIndex(world => {
  const begin = async (accountId: string) => {
    const threads = new IndexThreads({ home: world.home(), damaged: () => undefined, writers: { module, key } })
    onTestFinished(() => threads.close())
    const index = threads.of(accountId)
    await index.applyFolders([folder('INBOX')], 1)
    const apply = (batch: Partial<FolderBatch>) =>
      index.applyBatch({ path: 'INBOX', uidValidity: 7, announces: false, ...batch }, 1)
    const ask = (query: Partial<Parameters<typeof index.listPage>[0]> = {}) =>
      index.listPage({ path: 'INBOX', limit: 2, previews: false, own: 'me@x.example', ...query })
    const list = async (query: Parameters<typeof ask>[0] = {}) => {
      const answer = await ask(query)
      if (answer.kind !== 'page') throw new Error(answer.kind)
      return JSON.parse(`${Buffer.from(answer.json)}}`) as Page
    }
    const askTagged = (tag: string | undefined) =>
      index.listPage({ path: 'INBOX', limit: 2, previews: false, own: 'me@x.example' }, tag)
    return { apply, ask, askTagged, list, threads }
  }

  test('a page is never older than what was written, however often it was asked for', async () => {
    const { apply, ask, askTagged, list, threads } = await begin('written')
    await apply({ added: [recordOf(1), recordOf(2), recordOf(3)], position: { lowestUid: 1, uidNext: 4 } })
    const first = await list()
    expect(first).toMatchObject({ items: [{ uid: 3 }, { uid: 2 }], total: 3 })
    expect(await list()).toEqual(first)
    const [tagged, isSqlite] = [await ask(), 'dir' in world.home()]
    const tag = tagged.kind === 'page' ? tagged.tag : 'none'
    expect(tag === undefined).toBe(!isSqlite)
    expect(await askTagged(tag)).toMatchObject({ kind: isSqlite ? 'same' : 'page' })
    // The thread could not answer in this turn of the event loop.
    const turn = new Promise(resolve => process.nextTick(resolve, { kind: 'later' }))
    expect(await Promise.race([askTagged(tag), turn])).toMatchObject({ kind: isSqlite ? 'same' : 'later' })
    expect(first.items[0]!.ref).toBe(refs.encode('written', { folder: 'INBOX', uidValidity: 7, uid: 3 }))
    await apply({ changed: [{ uid: 3, flags: ['\\Seen', 'b', 'a'] }] })
    expect(await askTagged(tag)).toMatchObject({ kind: 'page' })
    expect((await list()).items[0]).toMatchObject({ uid: 3, flags: ['seen'], keywords: ['a', 'b'] })
    await apply({ vanished: [[3, 3]] })
    expect(await list()).toMatchObject({ items: [{ uid: 2 }, { uid: 1 }], next_cursor: null, total: 2 })
    const after = refs.decodeCursor('written', 'INBOX', first.next_cursor!)
    expect(await list({ after })).toMatchObject({ items: [{ uid: 1 }], next_cursor: null })
    // Another file under the same name.
    await threads.drop('written')
    const again = threads.of('written')
    await again.applyFolders([folder('INBOX')], 1)
    await apply({ added: [recordOf(9)], position: { lowestUid: 1, uidNext: 10 } })
    expect(await list()).toMatchObject({ items: [{ uid: 9 }], total: 1 })
    expect(await askTagged(tag)).toMatchObject({ kind: 'page' })
  })

  test('what is not known to its end, or in its texts, is left to the mail server', async () => {
    const { apply, ask, list } = await begin('unknown')
    expect(await ask()).toEqual({ kind: 'not_indexed' })
    expect(await ask({ path: 'None' })).toEqual({ kind: 'not_indexed' })
    await apply({ added: [recordOf(2)], position: { lowestUid: 2, uidNext: 3 } })
    expect(await ask()).toEqual({ kind: 'not_indexed' })
    await apply({ position: { lowestUid: 1 } })
    expect((await list()).items).toMatchObject([{ uid: 2 }])
    expect(await ask({ previews: true })).toEqual({ kind: 'not_indexed' })
    const bytes = Buffer.from('hello')
    await apply({
      texts: [{ uid: 2, parts: [{ type: 'text/plain', charset: 'utf-8', encoding: '8bit', bytes }] }],
    })
    expect((await list({ previews: true })).items).toMatchObject([{ preview: 'hello' }])
    expect((await list()).items[0]).not.toHaveProperty('preview')
    expect(await ask({ after: { uidValidity: 6, beforeUid: 9 } })).toEqual({ kind: 'stale_cursor' })
  })

  test('senders are looked at as the account that reads would', async () => {
    const { apply, list } = await begin('senders')
    const from = [{ name: 'Bank', email: 'me@x-example.test' }]
    await apply({ added: [recordOf(1, { from, fromCount: 1 })], position: { lowestUid: 1, uidNext: 2 } })
    expect((await list()).items[0]!.sender_warnings).toEqual([])
    const resembled = await list({ own: 'rne@x-example.test' })
    expect(resembled.items[0]!.sender_warnings).toEqual(['looks_like_other_domain'])
  })
})
