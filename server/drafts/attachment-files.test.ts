/** Files of drafts while they are stored: how many at once, and what is said of those that do not fit. */
import { expect, test, vi } from 'vitest'
import { draftBounds } from '../../contract/draft.ts'
import { principalOf } from '../../test/support/operation-world.ts'
import { type Blobs, BlobTooLarge } from '../blobs/blobs.ts'
import { AttachmentFiles, type AttachmentFilesOptions } from './attachment-files.ts'

const room = { count: 1, bytes: draftBounds.attachmentBytes }
const file = { name: 'a.txt', type: undefined, bytes: (async function* () {})() }

function startFiles(write: Blobs['write'], more: Partial<AttachmentFilesOptions> = {}) {
  const options = { blobs: { write }, ...more } as unknown as AttachmentFilesOptions
  const files = new AttachmentFiles(options)
  return (caller = 'token-1', left = room) => files.store(principalOf(caller), 'a', file, left)
}

test('a caller stores four files at once, and all callers 16', async () => {
  const written: PromiseWithResolvers<Awaited<ReturnType<Blobs['write']>>>[] = []
  const store = startFiles(() => {
    written.push(Promise.withResolvers())
    return written.at(-1)!.promise
  })
  const end = (at: number) => written[at]!.resolve({ id: 'b', sizeBytes: 1, sha256: '' } as never)
  const isRefused = { code: 'too_many_requests' }
  const first = Array.from({ length: 4 }, () => store())
  await expect(store()).rejects.toMatchObject(isRefused)
  end(0)
  await first[0]
  first.push(store())
  await expect(store()).rejects.toMatchObject(isRefused)
  for (let other = 2; other <= 4; other++) for (let at = 0; at < 4; at++) first.push(store(`token-${other}`))
  await expect(store('token-5')).rejects.toMatchObject(isRefused)
  written[1]!.reject(new Error('the caller is gone'))
  await expect(first[1]).rejects.toThrow('the caller is gone')
  first.push(store('token-5'))
  await expect(store('token-1')).rejects.toMatchObject(isRefused)
  for (const at of written.keys()) end(at)
  await Promise.allSettled(first)
  const last = store()
  end(written.length - 1)
  expect(await last).toMatchObject({ blob_id: 'b' })
})

test('why a file does not fit is told: the draft, the mail server, or all drafts of the account', async () => {
  const write = vi.fn<Blobs['write']>(async (_accountId, _bytes, bounds) => {
    throw new BlobTooLarge(bounds && 'bytes' in bounds ? 'bytes' : 'accountBytes')
  })
  const own = await startFiles(write)().catch((error: unknown) => error)
  expect(own).toMatchObject({ code: 'too_large', message: expect.stringContaining('30 MiB') })
  const server = startFiles(write, { sizeLimitOf: () => 1_000_000 })
  await expect(server()).rejects.toMatchObject({ code: 'too_large', message: expect.stringContaining('1000000 bytes') })
  const bounds = write.mock.calls.map(([, , { bytes }]) => bytes)
  expect(bounds[0]).toBe(draftBounds.attachmentBytes)
  // Room for the base64 of it, with line ends, and the rest of the message.
  expect(bounds[1]).toBe(Math.floor(((1_000_000 - 16 * 1024) * 57) / 78))
  write.mockRejectedValueOnce(new BlobTooLarge('accountBytes'))
  await expect(startFiles(write)()).rejects.toMatchObject({ code: 'too_many_drafts' })
  await expect(startFiles(write)('token-1', { ...room, count: 0 })).rejects.toMatchObject({ code: 'too_large' })
  write.mockRejectedValueOnce(new TypeError('a bug'))
  await expect(startFiles(write)()).rejects.toThrow('a bug')
})
