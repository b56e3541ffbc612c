/** Converts a message found only by the mail server to the API's form. */
import type { SearchHit } from '../../contract/mail-search.ts'
import { toSummary } from '../imap/message-bounds.ts'
import type { MessageRefs } from '../imap/message-ref.ts'
import type { Owner } from './mail-service.ts'
import { warningsOf } from './sender-warnings.ts'
import type { ServerHit } from './server-hits.ts'

export interface HitWords {
  refs: Pick<MessageRefs, 'encode' | 'canName'>
  accountId: string
  owner: Owner
  /** True when previews are requested and permitted. */
  hasPreview: boolean
}

/** @param preview Undefined when not requested. */
export function toServerHit(hit: ServerHit, preview: string | null | undefined, words: HitWords): SearchHit {
  const { refs, accountId, owner } = words
  const { header, place, folders, messageId, threadId, score } = hit
  return {
    ...toSummary(header),
    sender_warnings: warningsOf(header.from, owner.email),
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
