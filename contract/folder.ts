/** Folders of a mailbox, with their known message counts. */
import { z } from 'zod'
import { folderBounds } from './text-bounds.ts'
import { Timestamp } from './wire.ts'

export const FolderRole = z.enum(['inbox', 'archive', 'drafts', 'flagged', 'junk', 'sent', 'trash', 'all', 'important'])
export type FolderRole = z.infer<typeof FolderRole>

export const Folder = z
  .object({
    path: z.string().max(folderBounds.path),
    name: z.string().max(folderBounds.path),
    namespace: z
      .enum(['personal', 'other_users', 'shared'])
      .describe('Owner (RFC 2342): the user, another user, or shared'),
    delimiter: z.string().max(2).nullable(),
    role: FolderRole.nullable().describe('SPECIAL-USE (RFC 6154), or recognised by its name'),
    selectable: z.boolean(),
    subscribed: z.boolean(),
    total: z
      .int()
      .nullable()
      .describe('Number of messages; null if the folder cannot be selected, or if it is unknown, see `counts`'),
    unread: z.int().nullable().describe('Number of unread messages; null if `total` is'),
  })
  .meta({ id: 'Folder' })
export type Folder = z.infer<typeof Folder>

export const FolderCounts = z
  .object({
    state: z
      .enum(['complete', 'pending', 'incomplete', 'not_asked'])
      .describe(
        'State of the counts of all selectable folders: all are counted; some are being counted now; some could not be counted, which a later request retries; or counts were not requested',
      ),
    pending: z.int().describe('Folders that are being counted'),
    as_of: Timestamp.nullable().describe('Time of the oldest count; null if there is none'),
  })
  .meta({ id: 'FolderCounts' })
export type FolderCounts = z.infer<typeof FolderCounts>
