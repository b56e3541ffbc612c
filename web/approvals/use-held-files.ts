/** Where the attachments of what is held can be downloaded: each is in the draft too, and is told by its SHA-256. */
import { useQuery } from '@tanstack/react-query'
import type { DraftAttachment } from '../../contract/draft.ts'
import { draftAttachmentPath, draftsApi } from '../../contract/drafts.ts'
import type { Submission } from '../../contract/submission.ts'
import { addressOf, call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'

/** Undefined for what the draft does not hold, or not any more: nothing else is served in its place. */
export function useHeldFiles(
  { account_id: accountId, draft_id: draftId }: Submission,
  attachments: readonly DraftAttachment[],
): (attachment: DraftAttachment) => string | undefined {
  const params = { account_id: accountId, draft_id: draftId }
  const { data } = useQuery({
    queryKey: [...queryKeys.drafts(accountId), draftId],
    queryFn: ({ signal }) => call(draftsApi.getDraft, { params, signal }),
    enabled: attachments.length > 0,
    // Without it, they are listed all the same.
    retry: false,
  })
  return ({ sha256, name }) => {
    const same = data?.attachments.filter(each => each.sha256 === sha256) ?? []
    const file = same.find(each => each.name === name) ?? same[0]
    return file && addressOf(draftAttachmentPath, { ...params, attachment_id: file.id }, {})
  }
}
