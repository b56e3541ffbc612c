/** Folders of a mailbox, with what is known of how many messages they hold. */
import { z } from 'zod'
import { Timestamp } from './wire.ts'

export const FolderRole = z.enum(['inbox', 'archive', 'drafts', 'flagged', 'junk', 'sent', 'trash', 'all', 'important'])
export type FolderRole = z.infer<typeof FolderRole>

/** Folders in one answer, and the length of a path that can be asked for. */
export const folderBounds = { folders: 10_000, path: 1_000 } as const

export const Folder = z
  .object({
    path: z.string().max(folderBounds.path),
    name: z.string().max(folderBounds.path),
    namespace: z
      .enum(['personal', 'other_users', 'shared'])
      .describe("Whose it is (RFC 2342): one's own, another user's, or shared by all"),
    delimiter: z.string().max(2).nullable(),
    role: FolderRole.nullable().describe('SPECIAL-USE (RFC 6154), or recognised by its name'),
    selectable: z.boolean(),
    subscribed: z.boolean(),
    total: z
      .int()
      .nullable()
      .describe('Messages; null where the folder cannot be selected, and where it is not known, see `counts`'),
    unread: z.int().nullable().describe('null where `total` is'),
  })
  .meta({ id: 'Folder' })
export type Folder = z.infer<typeof Folder>

export const FolderCounts = z
  .object({
    state: z
      .enum(['complete', 'pending', 'incomplete', 'not_asked'])
      .describe(
        'Of the folders of the account that can be selected: all are counted; some are being counted now; some could not be counted, ' +
          'which is tried again with a later request; or counts were not asked for',
      ),
    pending: z.int().describe('Folders that the mail server is being asked about'),
    as_of: Timestamp.nullable().describe('When the oldest of the counts was made; null where there is none'),
  })
  .meta({ id: 'FolderCounts' })
export type FolderCounts = z.infer<typeof FolderCounts>
