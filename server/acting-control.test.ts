/** What the policy of a token is asked about before a mailbox is changed: every folder that is touched, and every message. */
import { expect, test } from 'vitest'
import type { FolderRole } from '../contract/mail.ts'
import { principalOf } from '../test/support/operation-world.ts'
import { controlOf } from './acting-control.ts'
import type { RequestedChange } from './operations/operation-control.ts'
import type { RequestedOrganizing } from './policies/organizing-judge.ts'

type Named = { path: string; role: FolderRole | null }

async function judged(
  asked: Partial<RequestedChange>,
  { known = [], now = [] }: { known?: Named[]; now?: Named[] } = {},
  kind: 'token' | 'session' = 'token',
): Promise<RequestedOrganizing> {
  const all: RequestedOrganizing[] = []
  const { mayChange } = controlOf({
    freezes: { isFrozenNow: async () => false },
    organizing: {
      admit: async (_principal, each) => {
        all.push(each)
        return undefined
      },
    },
    foldersOf: async () => known,
    foldersNow: async () => now,
  })
  await mayChange(principalOf('someone', { kind }), 'a', { kind: 'move', undoOf: undefined, messages: [], ...asked })
  return all[0]!
}

test('a new name of a folder is one for each folder in it, and those are asked about under both', async () => {
  const folder = { path: 'Work', to: 'Job', inside: ['Work/2026', 'Work/2026/May'] }
  expect(await judged({ kind: 'rename_folder', folder })).toEqual({
    isDeletion: false,
    isRename: true,
    messages: 1,
    folders: ['Work', 'Work/2026', 'Work/2026/May', 'Job', 'Job/2026', 'Job/2026/May'],
  })
})

test('a folder that is deleted with its messages counts as all of them', async () => {
  const folder = { path: 'Work', to: undefined, isEmptied: true, messages: 41 }
  const asked = await judged({ kind: 'delete_folder', folder })
  expect(asked).toEqual({ isDeletion: true, isRename: false, messages: 42, folders: ['Work'] })
})

test('messages are asked about in the folder where they are and the one where they go', async () => {
  const place = { path: 'INBOX', uidValidity: 1, uid: 1 }
  const message = { messageId: null, identity: null, place, change: { to: 'Archive' } }
  const asked = await judged({ messages: [message, { ...message, place: { ...place, uid: 2 } }] })
  expect(asked).toMatchObject({ isDeletion: false, messages: 2 })
  expect(new Set(asked.folders)).toEqual(new Set(['INBOX', 'Archive']))
})

test('no program decides what lies in the folder of sent mail, nor which one that is', async () => {
  const place = { path: 'INBOX', uidValidity: 1, uid: 1 }
  const moved = { messages: [{ messageId: null, identity: null, place, change: { to: 'Post' } }] }
  const folders = (role: FolderRole | null): Named[] => [{ path: 'Post', role }]
  const created = { kind: 'create_folder', folder: { path: 'Post', to: undefined, role: 'sent' } } as const
  const deleted = { kind: 'delete_folder', folder: { path: 'Post', to: undefined } } as const
  const denied = { code: 'policy_denied' }
  await expect(judged(moved, { known: folders('sent') })).rejects.toMatchObject(denied)
  // The last look did not see it yet.
  await expect(judged(moved, { now: folders('sent') })).rejects.toMatchObject(denied)
  await expect(judged(created)).rejects.toMatchObject(denied)
  // So that it is not taken out of the way of one that was filled before; not by an undo either.
  await expect(judged(deleted, { known: folders('sent') })).rejects.toMatchObject(denied)
  await expect(judged({ ...deleted, undoOf: 'o' }, { now: folders('sent') })).rejects.toMatchObject(denied)
  for (const asked of [moved, deleted]) expect(await judged(asked, { known: folders(null) })).toBeDefined()
  // What lay there may be put back, and people may all of it.
  expect(await judged({ ...moved, undoOf: 'o' }, { known: folders('sent') })).toBeDefined()
  for (const asked of [moved, created, deleted])
    expect(await judged(asked, { known: folders('sent') }, 'session')).toBeUndefined()
})
