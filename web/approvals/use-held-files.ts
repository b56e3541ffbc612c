/** Download links for the attachments of a held message, found in its draft by their SHA-256. */
import { useQuery } from '@tanstack/react-query'
import type { DraftAttachment } from '../../contract/draft.ts'
import { draftAttachmentPath, draftsApi } from '../../contract/drafts.ts'
import type { Submission } from '../../contract/submission.ts'
import { addressOf, call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'

/**
 * Returns the link of an attachment; undefined if the draft does not contain it any more, in which case nothing else is
 * served.
 */
export function useHeldFiles(
  { account_id: accountId, draft_id: draftId }: Submission,
  attachments: readonly DraftAttachment[],
): (attachment: DraftAttachment) => string | undefined {
  const params = { account_id: accountId, draft_id: draftId }
  const { data } = useQuery({
    queryKey: [...queryKeys.drafts(accountId), draftId],
    queryFn: ({ signal }) => call(draftsApi.getDraft, { params, signal }),
    enabled: attachments.length > 0,
    // Without the draft, attachments are still listed.
    retry: false,
  })
  return ({ sha256, name }) => {
    const same = data?.attachments.filter(each => each.sha256 === sha256) ?? []
    const file = same.find(each => each.name === name) ?? same[0]
    return file && addressOf(draftAttachmentPath, { ...params, attachment_id: file.id }, {})
  }
}
