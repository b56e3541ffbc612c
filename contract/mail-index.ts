/** The API of the local index: messages by stable ids, threads across folders, changes, and indexing progress. Names as in JMAP (RFC 8621). */
import { z } from 'zod'
import { IndexLevel } from './accounts.ts'
import { endpoint } from './endpoint.ts'
import { MessageSummary, mailBounds } from './mail.ts'
import { PreviewQuery } from './mail-preview.ts'
import { MessageId, ThreadId } from './message-id.ts'
import { AccountId, Cursor, Limit, Timestamp, wholeOr } from './wire.ts'

export { MessageId, ThreadId } from './message-id.ts'

export const IndexedMessage = MessageSummary.extend({
  id: MessageId,
  thread_id: ThreadId,
  folders: z
    .array(z.string().max(mailBounds.path))
    .describe('All folders that contain the message; `ref`, `uid` and `flags` are those of the first'),
}).meta({ id: 'IndexedMessage' })
export type IndexedMessage = z.infer<typeof IndexedMessage>

export const ThreadSummary = z
  .object({
    id: ThreadId,
    subject: z.string().max(mailBounds.subject),
    messages: z.int().describe('Number of messages in all folders'),
    unread: z.int(),
    newest: IndexedMessage,
  })
  .meta({ id: 'ThreadSummary' })
export type ThreadSummary = z.infer<typeof ThreadSummary>

export const IndexStatus = z
  .object({
    level: IndexLevel,
    default_level: IndexLevel.describe('Default level of accounts without their own'),
    state: z
      .enum(['off', 'building', 'complete'])
      .describe('`complete`: everything on the mail server at the last comparison is indexed'),
    folders: z.int(),
    messages: z.int(),
    server_messages: z
      .int()
      .describe('Messages in all folders at the last comparison; a message in two folders counts twice'),
    places: z.int().describe('Number of those that are indexed'),
    texts: z.int().describe('Messages whose text is indexed'),
    size_bytes: z.int().describe('Disk space of the index'),
    looked_at: Timestamp.nullable().describe('When all folders were last compared with the mail server'),
  })
  .meta({ id: 'IndexStatus' })
export type IndexStatus = z.infer<typeof IndexStatus>

const Contact = z
  .object({
    email: z.string().max(mailBounds.email),
    name: z.string().nullable().describe('Name in the newest message that has one'),
    wrote: z.int().describe('Indexed messages from this address'),
    written_to: z.int().describe('Indexed messages of the owner to this address'),
    last_wrote_at: Timestamp.nullable(),
    last_written_to_at: Timestamp.nullable(),
  })
  .meta({ id: 'Contact' })
export type Contact = z.infer<typeof Contact>

const account = z.object({ account_id: AccountId })
const known = ['account_not_found', 'account_disabled', 'index_off'] as const
const tag = 'Mail'

export const mailIndexApi = {
  listChanges: endpoint({
    method: 'GET',
    path: '/api/v1/accounts/{account_id}/changes',
    tag,
    summary: 'List what changed in an account since a state',
    description: [
      'Ids of messages that were created, updated (flags, folders or thread) or destroyed, as in `Email/changes` of RFC 8620. Without `since`,',
      'only the present state is returned. A message that moved is `updated`. `cannot_calculate_changes` means that the state is too old or of an index',
      'that was rebuilt: read the lists again.',
    ].join(' '),
    scope: 'mail:meta',
    effect: 'read',
    params: account,
    query: z.strictObject({
      since: z.string().min(1).max(60).optional().describe('`state` of an earlier response'),
      limit: wholeOr(500, 1, 1_000).describe('How many ids, 1–1,000'),
    }),
    response: z.object({
      state: z.string(),
      created: z.array(MessageId),
      updated: z.array(MessageId),
      destroyed: z.array(MessageId),
      has_more: z.boolean().describe('There are more changes: ask again with this `state`'),
    }),
    problems: [...known, 'cannot_calculate_changes'],
  }),
  listThreads: endpoint({
    method: 'GET',
    path: '/api/v1/accounts/{account_id}/threads',
    tag,
    summary: 'List threads, the one with the newest message first',
    description: [
      'Threads are formed from References and In-Reply-To, on every mail server and across folders, so that a thread contains one’s own answers.',
      'Later pages keep the order in which the first one began: a thread that gets mail meanwhile stays where it was, with its newest message,',
      'and is on the first page of the next list.',
    ].join(' '),
    scope: 'mail:meta',
    effect: 'read',
    params: account,
    query: z.strictObject({
      folder: z
        .string()
        .min(1)
        .max(mailBounds.path)
        .optional()
        .describe('Only threads with a message in this folder; ordered by the newest one there'),
      limit: Limit,
      cursor: Cursor,
      preview: PreviewQuery,
    }),
    response: z.object({ items: z.array(ThreadSummary), next_cursor: z.string().nullable() }),
    problems: [...known, 'folder_not_found', 'stale_cursor'],
  }),
  getThread: endpoint({
    method: 'GET',
    path: '/api/v1/accounts/{account_id}/threads/{thread_id}',
    tag,
    summary: 'Get the messages of a thread, oldest first',
    scope: 'mail:meta',
    effect: 'read',
    params: account.extend({ thread_id: ThreadId }),
    query: z.strictObject({ preview: PreviewQuery }),
    response: z.object({
      id: ThreadId,
      messages: z.array(IndexedMessage),
      has_older: z.boolean().describe('The thread has more messages than the newest 200'),
    }),
    problems: [...known, 'thread_not_found'],
  }),
  listMessagesById: endpoint({
    method: 'GET',
    path: '/api/v1/accounts/{account_id}/summaries',
    tag,
    summary: 'List messages by their ids',
    description:
      'In the order of `ids`; messages that are not in the index are left out. The mail server is not queried.',
    scope: 'mail:meta',
    effect: 'read',
    params: account,
    query: z.strictObject({
      ids: z
        .string()
        .regex(/^[A-Za-z0-9_-]{20}(,[A-Za-z0-9_-]{20}){0,49}$/, 'must be 1 to 50 message ids, separated by commas')
        .describe('Up to 50, separated by commas')
        .meta({ examples: ['mT8Zq1cW0bVx-5RkYw3E'] }),
    }),
    response: z.object({ items: z.array(IndexedMessage).max(50), next_cursor: z.null() }),
    problems: [...known],
  }),
  listContacts: endpoint({
    method: 'GET',
    path: '/api/v1/accounts/{account_id}/contacts',
    tag,
    summary: 'List an account’s contacts, or complete a name or address',
    description:
      'Derived from the indexed headers: senders and recipients, how often and when last. Recipients come first, then the most frequent. The owner’s own addresses are left out.',
    scope: 'mail:meta',
    effect: 'read',
    params: account,
    query: z.strictObject({
      q: z
        .string()
        .max(100)
        .optional()
        .describe('Prefixes of words in the name or address, at most five; ignores accents and case'),
      limit: wholeOr(10, 1, 50).describe('How many, 1–50'),
    }),
    response: z.object({ items: z.array(Contact), next_cursor: z.null() }),
    problems: [...known],
  }),
  getIndex: endpoint({
    method: 'GET',
    path: '/api/v1/accounts/{account_id}/index',
    tag,
    summary: 'Get the indexing progress of an account',
    scope: 'mail:meta',
    effect: 'read',
    params: account,
    response: IndexStatus,
    problems: ['account_not_found'],
  }),
  rebuildIndex: endpoint({
    method: 'POST',
    path: '/api/v1/accounts/{account_id}/index/rebuild',
    tag,
    summary: 'Discard the index of an account and rebuild it',
    description: 'Nothing is lost: the index is a cache of the mail server. Message ids stay the same.',
    scope: 'dashboard:operate',
    effect: 'write',
    params: account,
    response: IndexStatus,
    status: 202,
    problems: [...known],
  }),
}
