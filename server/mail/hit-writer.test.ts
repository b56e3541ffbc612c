/** Hits of the index as text, through its real threads: as the contract has them, named in a folder that was searched, with nothing of texts for those who may not read. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { SearchHit } from '../../contract/mail-search.ts'
import { folder, onEachIndex, recordOf } from '../../test/support/index-world.ts'
import { MessageRefs } from '../imap/message-ref.ts'
import { IndexThreads } from '../index/index-threads.ts'
import { parseSearch } from '../index/search-language.ts'
import { Signer } from '../platform/secret-box.ts'

const key = Buffer.alloc(32, 1)
const refs = new MessageRefs(new Signer(key))
const module = pathToFileURL(join(import.meta.dirname, 'index-writers.ts')).href

onEachIndex(world => {
  const begin = async (accountId: string) => {
    const threads = new IndexThreads({ home: world.home(), damaged: () => undefined, writers: { module, key } })
    onTestFinished(() => threads.close())
    const index = threads.of(accountId)
    await index.applyFolders([folder('INBOX'), folder('Work')], 1)
    const bytes = () => Buffer.from('the tea is ready')
    const text = () => [{ uid: 1, parts: [{ type: 'text/plain', charset: 'utf-8', encoding: '8bit', bytes: bytes() }] }]
    const from = [{ name: 'Bank', email: 'me@x-example.test' }]
    for (const path of ['INBOX', 'Work']) {
      const batch = { path, uidValidity: 7, announces: false, added: [recordOf(1, { from, fromCount: 1 })] }
      await index.applyBatch({ ...batch, texts: text(), position: { lowestUid: 1, uidNext: 2 } }, 1)
    }
    const search = async (q: string, { inBody = true, hasPreview = false, own = 'me@x.example' } = {}) => {
      const tree = parseSearch(q, { inBody })
      const query = { tree, order: 'date' as const, limit: 10, inBody, counts: false, now: 0 }
      const { places } = await index.findHits(query)
      const hits = await index.writeHits(places, inBody, { accountId, own, hasPreview, tree })
      expect(hits.map(({ rowid }) => rowid)).toEqual(places.map(({ rowid }) => rowid))
      return hits.map(({ json }) => {
        const hit: unknown = JSON.parse(json)
        // Nothing of it is left out by the contract, and nothing is missing.
        expect(SearchHit.parse(hit)).toEqual(hit)
        return hit as SearchHit
      })
    }
    return { index, search }
  }

  test('a hit is as the contract has it, and its reference names a folder that was searched', async () => {
    const { search } = await begin('hits')
    const [hit, ...others] = await search('tea in:Work')
    expect(others).toEqual([])
    expect(hit).toMatchObject({ account_id: 'hits', uid: 1, snippet: { text: 'the tea is ready', hits: [[4, 7]] } })
    expect(hit!.ref).toBe(refs.encode('hits', { folder: 'Work', uidValidity: 7, uid: 1 }))
    expect([...hit!.folders].sort()).toEqual(['INBOX', 'Work'])
    const [inInbox] = await search('tea -in:Work OR in:INBOX')
    expect(inInbox!.ref).toBe(refs.encode('hits', { folder: 'INBOX', uidValidity: 7, uid: 1 }))
  })

  test('previews and snippets are there only for those who may read, and previews where they are wanted', async () => {
    const { search } = await begin('texts')
    expect((await search('tea'))[0]).not.toHaveProperty('preview')
    expect((await search('tea', { hasPreview: true }))[0]).toMatchObject({ preview: 'the tea is ready' })
    expect(await search('from:bank', { inBody: false, hasPreview: true })).toMatchObject([
      { preview: null, snippet: null },
    ])
  })

  test('senders are looked at as the account that searches would', async () => {
    const { search } = await begin('senders')
    expect(await search('from:bank')).toMatchObject([{ sender_warnings: [] }])
    const resembled = await search('from:bank', { own: 'rne@x-example.test' })
    expect(resembled).toMatchObject([{ sender_warnings: ['looks_like_other_domain'] }])
  })
})
