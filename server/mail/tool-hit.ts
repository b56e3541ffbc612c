/** A hit for models: people, subject, date, and the folder unless it is INBOX. */

import { z } from 'zod'
import { lowerAscii } from '../../contract/ascii-case.ts'
import type { Address } from '../../contract/mail.ts'
import type { SearchHit } from '../../contract/mail-search.ts'
import { cleanLine } from '../reading/stranger-text.ts'
import { toPerson } from './mail-address.ts'
import { toToolRef } from './read-message.ts'
import { toolPath } from './search-folder.ts'
import { addressWords, peopleWords, shortDate } from './tool-lines.ts'

export const Hit = z.object({
  ref: z.string(),
  from: z.string(),
  to: z.string().optional().describe('Unless the account alone'),
  more_to: z.int().optional(),
  warn: z.array(z.string()).optional(),
  subject: z.string(),
  snippet: z.string().optional(),
  date: z.string(),
  folder: z.string().optional().describe('Unless INBOX'),
  thread: z.string().optional(),
  found: z.int().optional(),
  flags: z.array(z.string()).optional(),
  labels: z.array(z.string()).optional(),
  attachments: z.boolean().optional(),
  faults: z.array(z.string()).optional(),
})
export type Hit = z.infer<typeof Hit>

/** Options of the conversion. */
export interface HitStyle {
  /** The account to include in names; undefined when there is only one. */
  named: string | undefined
  /** Address of the account. */
  own: string
  hasSnippet: boolean
  /** Number of matching messages, for threads. */
  found?: number | undefined
}

/** People shown per list of a hit. */
const maxPeople = 3
/** Labels shown per hit. */
const maxLabels = 5
const maxSnippet = 160

export function toHit(hit: SearchHit, { named, own, hasSnippet, found }: HitStyle): Hit {
  const { id, from, to, to_count: count, sender_warnings: warnings, subject, date } = hit
  const { snippet, folders, thread_id: thread, flags, keywords, faults } = hit
  const [folder = 'INBOX'] = folders
  return {
    ref: toToolRef({ accountId: named, ref: id ?? hit.ref }),
    from: peopleWords(from.slice(0, maxPeople).map(toPerson)),
    ...recipientsOf(to, count, own),
    ...(warnings.length > 0 && { warn: warnings }),
    subject: cleanLine(subject),
    ...(hasSnippet && snippet && { snippet: cleanLine(snippet.text, maxSnippet) }),
    date: shortDate(date),
    ...(folder !== 'INBOX' && { folder: toolPath(folder) }),
    ...(found !== undefined && thread !== null && { thread: toToolRef({ accountId: named, ref: thread }) }),
    ...(found !== undefined && found > 1 && { found }),
    ...(flags.length > 0 && { flags }),
    ...(keywords.length > 0 && { labels: toLabels(keywords) }),
    ...(hit.has_attachments && { attachments: true }),
    ...(faults.length > 0 && { faults }),
  }
}

/** Returns recipients, except for mail to the account itself, as most is: they matter for sent and list mail. */
function recipientsOf(to: readonly Address[], count: number, own: string): { to?: string; more_to?: number } {
  const [first] = to
  if (!first || (count === 1 && lowerAscii(first.email) === lowerAscii(own))) return {}
  const shown = to.slice(0, maxPeople).map(each => addressWords(toPerson(each)))
  return { to: shown.join(', '), ...(count > shown.length && { more_to: count - shown.length }) }
}

/** Sanitises the first labels, which users and programs name freely. */
export function toLabels(keywords: readonly string[]): string[] {
  return keywords.slice(0, maxLabels).map(keyword => cleanLine(keyword))
}
