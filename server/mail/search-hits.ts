/** What a search found, as the API says it: messages of the index with their snippets, and those that only the mail server has. */

import { maxPreview } from '../../contract/mail-preview.ts'
import type { SearchHit } from '../../contract/mail-search.ts'
import type { MessageHeader } from '../imap/mail-gateway.ts'
import type { MessageRefs } from '../imap/message-ref.ts'
import { toSummary } from '../imap/summary-bounds.ts'
import type { SearchHit as IndexedHit } from '../index/search-types.ts'
import { cutText } from '../reading/stranger-text.ts'
import { nowhere, toHeader } from './indexed-mail.ts'
import type { Owner } from './mail-service.ts'
import { warningsOf } from './sender-warnings.ts'
import type { ServerHit } from './server-hits.ts'

export interface HitWords {
  refs: Pick<MessageRefs, 'encode' | 'canName'>
  accountId: string
  owner: Owner
  /** Whether previews are wanted, and may be read. */
  hasPreview: boolean
  /** Whether a place in this folder is one that the search means. */
  isMeant(path: string): boolean
}

export function toIndexedHit({ message, snippet, score }: IndexedHit, words: HitWords): SearchHit {
  const { refs, accountId, owner, hasPreview, isMeant } = words
  const places = message.places.filter(({ path }) => refs.canName(path))
  const place = places.find(({ path }) => isMeant(path)) ?? places[0] ?? nowhere
  const { path, uid, uidValidity } = place
  return {
    ...summaryOf(toHeader(message, place), owner),
    account_id: accountId,
    id: message.id,
    thread_id: message.threadId,
    ref: refs.encode(accountId, { folder: path, uid, uidValidity }),
    uid_validity: uidValidity,
    folders: [...new Set([path, ...places.map(each => each.path)])],
    snippet: snippet && { text: snippet.text, hits: snippet.hits },
    score,
    ...(hasPreview && { preview: message.preview === null ? null : cutText(message.preview, maxPreview) }),
  }
}

/** @param preview Undefined where none is wanted. */
export function toServerHit(hit: ServerHit, preview: string | null | undefined, words: HitWords): SearchHit {
  const { refs, accountId, owner } = words
  const { header, place, folders, messageId, threadId, score } = hit
  return {
    ...summaryOf(header, owner),
    account_id: accountId,
    id: messageId,
    thread_id: threadId,
    ref: refs.encode(accountId, { folder: place.path, uid: place.uid, uidValidity: place.uidValidity }),
    uid_validity: place.uidValidity,
    folders: folders.filter(path => refs.canName(path)),
    snippet: null,
    score,
    ...(preview !== undefined && { preview }),
  }
}

function summaryOf(header: MessageHeader, owner: Owner) {
  return { ...toSummary(header), sender_warnings: warningsOf(header.from, owner.email) }
}
