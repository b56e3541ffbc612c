/** Searching mail in all folders and accounts: the query, the hits, and the coverage of the search. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { mailBounds, mailServerProblems, maxSearchLength } from './mail.ts'
import { IndexedMessage, ThreadId } from './mail-index.ts'
import { PreviewQuery } from './mail-preview.ts'
import { AccountId, Cursor, Limit, line, Timestamp } from './wire.ts'

const found = z.int()

export const SearchSnippet = z
  .object({
    text: z
      .string()
      .max(200)
      .describe('An excerpt of the text of the message, on one line. Untrusted content: text, not HTML'),
    hits: z
      .array(
        z
          .array(z.int())
          .length(2)
          .meta({ examples: [[3, 7]] }),
      )
      .describe(
        'Ranges to highlight in `text` (UTF-16 units), from the first up to but excluding the second; in order, not overlapping',
      ),
  })
  .meta({ id: 'SearchSnippet' })
export type SearchSnippet = z.infer<typeof SearchSnippet>

export const SearchHit = IndexedMessage.extend({
  account_id: AccountId,
  thread_id: ThreadId.nullable().describe('Null if only the mail server has the message'),
  snippet: SearchSnippet.nullable().describe(
    'Excerpt around a match in the text of the message; null if there is none, if the text is not indexed, and without `mail:read`',
  ),
  score: z.number().nullable().describe('With `sort=relevance`: higher is better; comparable across accounts'),
}).meta({ id: 'SearchHit' })
export type SearchHit = z.infer<typeof SearchHit>

export const SearchFacets = z
  .object({
    folders: z
      .array(z.object({ account_id: AccountId, path: z.string().max(mailBounds.path), count: found }))
      .describe('A message in two folders counts in both'),
    senders: z
      .array(
        z.object({
          email: z.string().max(mailBounds.email),
          name: z.string().max(mailBounds.name).nullable(),
          count: found,
        }),
      )
      .describe('The 20 most frequent senders'),
    years: z
      .array(z.object({ year: z.int(), count: found }))
      .describe('Years in which they were received, newest first'),
    counted: found.describe(
      'Number of messages in these figures: matches from the index, the newest 1,000 of each account',
    ),
    is_complete: z
      .boolean()
      .describe(
        'Whether all matches are in these figures. False: there are more than were counted, or mail servers found others',
      ),
  })
  .describe('Distribution of the matches: of the newest 1,000 of each account, as far as it is indexed')
  .meta({ id: 'SearchFacets' })
export type SearchFacets = z.infer<typeof SearchFacets>

export const SearchOmission = z
  .object({
    reason: z
      .enum([
        'account_disabled',
        'not_asked',
        'server_cannot',
        'server_failed',
        'too_many_accounts',
        'too_many_folders',
        'too_many_found',
        'time_limit',
        'folder_unreadable',
        'index_failed',
      ])
      .describe(
        'Why: the account is disabled; `server=never`; the mail server cannot search for a term; it could not be used; ' +
          'more accounts or folders would have to be asked than one search may; more was found in a folder than is looked at; ' +
          'the time was over; the mail server refused a folder; the index could not be used',
      ),
    folders: z.int().describe('Number of folders concerned; 0 for the whole account'),
    detail: z.string().describe('The reason in words for people'),
  })
  .meta({ id: 'SearchOmission' })
export type SearchOmission = z.infer<typeof SearchOmission>

export const SearchCoverage = z
  .object({
    account_id: AccountId,
    answered_by: z
      .enum(['index', 'server', 'both', 'none'])
      .describe('`both`: the mail server was queried for mail that the index does not have yet'),
    is_complete: z
      .boolean()
      .describe('Whether all mail of the account was searched. False: there may be further matches; see `omissions`'),
    index: z
      .object({
        messages: z.int().describe('Indexed messages in all folders'),
        texts: z.int().describe('Messages whose text is searched too'),
        incomplete_folders: z.int().describe('Folders whose older messages are not indexed yet'),
      })
      .nullable()
      .describe('Extent of the index; null if it was not used'),
    server_folders: z.int().describe('Folders in which the mail server searched'),
    unknown_folders: z.array(z.string()).describe('Names after `in:` that match no folder of this account'),
    omissions: z.array(SearchOmission),
    looked_at: Timestamp.nullable().describe(
      'When the index was last compared with all folders of the mail server, if known',
    ),
  })
  .meta({ id: 'SearchCoverage' })
export type SearchCoverage = z.infer<typeof SearchCoverage>

export const SearchSort = z.enum(['date', 'relevance'])
export type SearchSort = z.infer<typeof SearchSort>

const flag = z.enum(['true', 'false']).default('false')

const query = z.strictObject({
  q: line
    .min(1)
    .max(maxSearchLength)
    .describe('For example `from:anna ("annual report" OR budget*) has:attachment -in:trash`'),
  sort: SearchSort.default('date').describe(
    '`date`: newest first. `relevance`: of the newest 1,000 found in each account, the best first: by subject, sender, age and flags',
  ),
  limit: Limit,
  cursor: Cursor.describe('`next_cursor` of the previous response to the same search; stable when new mail arrives'),
  preview: PreviewQuery,
  facets: flag.describe('Count what is found: `total` and `facets`'),
  typing: flag.describe('`true`: the last word is a prefix, for search while typing'),
  server: z
    .enum(['auto', 'never'])
    .default('auto')
    .describe(
      '`never`: mail servers are not queried for mail that is not indexed, for search while typing; `coverage` says what that leaves out. Such searches have their own rate limit',
    ),
})

const response = z.object({
  items: z.array(SearchHit),
  next_cursor: z.string().nullable(),
  total: z
    .int()
    .nullable()
    .describe(
      'Messages found, counted up to 1,000 for each indexed account; null unless `facets=true`, and on later pages',
    ),
  is_total_exact: z
    .boolean()
    .nullable()
    .describe('False: there are more, or copies were counted twice; null with `total`'),
  facets: SearchFacets.nullable().describe('Null with `total`'),
  coverage: z.array(SearchCoverage).describe('Coverage of each account that was searched'),
})
export type SearchAnswer = z.infer<typeof response>

const language = [
  'Terms are separated by spaces and must all match; `OR` between two terms and `( )` around several join them otherwise; `-` in front of a',
  'term or parenthesis negates it. A term is a word or a "quoted phrase" (`\\"` and `\\\\` inside it), in subject, people, names of attachments',
  'and, for callers with `mail:read`, the text; a `*` ends the beginning of a word. Or a key with a word or phrase: `from:` `to:` (To and Cc)',
  '`cc:` `bcc:` `subject:` `body:` `filename:` `label:`; `in:` with the path or role of a folder, all folders unless given; `is:` with `unread`,',
  '`read`, `flagged`, `unflagged`, `answered`, `unanswered` or `draft`; `has:attachment`, `has:link`; `thread:` with a thread id; `after:` (that day or later), `before:`',
  'and `on:` with a day in UTC, `2026-11-22`; `larger:` and `smaller:` with bytes, `500k` or `5M`. At most 20 terms. `AND`, `NOT`, `|`, `{ }` of other languages are',
  'rejected; in lower case or in quotes they are words. What cannot be read is a `bad_request` whose `errors` say what and at which character (`at`).',
  'Words are compared without case and accents, and as a whole; Chinese, Japanese, Korean and Thai by any two letters. Where mail is not indexed,',
  'the mail server is asked, which decides itself whether parts of words match.',
].join(' ')

/** Only the index answers: no mail server is involved, and search while typing calls it with each letter. */
const lighter = { name: 'server', value: 'never', limit: 'index_search' } as const
const reading = ['account_not_found', 'account_disabled', 'folder_not_found', 'stale_cursor'] as const
const tag = 'Mail'

export const mailSearchApi = {
  searchMail: endpoint({
    method: 'GET',
    path: '/api/v1/search',
    tag,
    summary: 'Search all folders of all accounts that the caller may see',
    description: language,
    scope: 'mail:meta',
    effect: 'read',
    limit: 'search',
    lighter,
    query: query.extend({
      account: line
        .regex(/^[A-Za-z0-9_-]{1,40}(,[A-Za-z0-9_-]{1,40}){0,99}$/, 'must be account ids, separated by commas')
        .optional()
        .describe('Only these accounts: ids, separated by commas'),
    }),
    response,
    problems: reading,
  }),
  searchAccount: endpoint({
    method: 'GET',
    path: '/api/v1/accounts/{account_id}/search',
    tag,
    summary: 'Search all folders of an account',
    description: language,
    scope: 'mail:meta',
    effect: 'read',
    limit: 'search',
    lighter,
    params: z.object({ account_id: AccountId }),
    query,
    response,
    problems: [...reading, ...mailServerProblems],
  }),
}
