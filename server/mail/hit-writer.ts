/**
 * Serialises search hits of the index to the API's JSON, on the thread that reads the rows. The output is not validated
 * again.
 */
import type { SearchHit } from '../../contract/mail-search.ts'
import { toSummary } from '../imap/message-bounds.ts'
import { MessageRefs } from '../imap/message-ref.ts'
import { foldersIn } from '../index/search-tree.ts'
import type { HitStyle, HitWriter, SearchHit as IndexedHit } from '../index/search-types.ts'
import { Signer } from '../platform/secret-box.ts'
import { nowhere, toHeader } from './indexed-header.ts'
import { warningsOf } from './sender-warnings.ts'
import { mayBeIn } from './server-terms.ts'

/** @param key Signing key of references. */
export function hitWriter(key: Uint8Array): HitWriter {
  const refs = new MessageRefs(new Signer(Buffer.from(key)))
  return (hit, style) => JSON.stringify(toHit(hit, style, refs))
}

function toHit({ message, snippet, score }: IndexedHit, style: HitStyle, refs: MessageRefs): SearchHit {
  const { accountId, own, hasPreview, tree } = style
  const places = message.places.filter(({ path }) => refs.canName(path))
  const hasFolders = foldersIn(tree).length > 0
  const isMeant = (path: string) => !hasFolders || mayBeIn(tree, name => name === path)
  const place = places.find(({ path }) => isMeant(path)) ?? places[0] ?? nowhere
  const { path, uid, uidValidity } = place
  return {
    ...toSummary(toHeader(message, place)),
    sender_warnings: warningsOf(message.from, own),
    account_id: accountId,
    id: message.id,
    thread_id: message.threadId,
    ref: refs.encode(accountId, { folder: path, uid, uidValidity }),
    uid_validity: uidValidity,
    folders: [...new Set([path, ...places.map(each => each.path)])],
    snippet: snippet && { text: snippet.text, hits: snippet.hits },
    score,
    ...(hasPreview && { preview: message.preview }),
  }
}
