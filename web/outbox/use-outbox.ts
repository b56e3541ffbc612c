/** Outgoing and sent messages, kept fresh by facts, and actions on them. */
import { keepPreviousData, useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { outboxApi } from '../../contract/outbox.ts'
import type { Submission, SubmissionState } from '../../contract/submission.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useToast } from '../ui/toast.tsx'

/** `open`: unfinished or unknown; `all`; or one state. */
export type ShownOutbox = 'open' | 'all' | Extract<SubmissionState, 'scheduled' | 'failed' | 'unknown' | 'sent'>

export function useOutbox(shown: ShownOutbox) {
  return useInfiniteQuery({
    queryKey: queryKeys.outboxIn(shown),
    queryFn: ({ pageParam, signal }) =>
      call(outboxApi.listSubmissions, {
        query: { ...filterOf(shown), limit: '50', ...(pageParam && { cursor: pageParam }) },
        signal,
      }),
    initialPageParam: '',
    getNextPageParam: ({ next_cursor: next }) => next,
    placeholderData: keepPreviousData,
  })
}

function filterOf(shown: ShownOutbox) {
  if (shown === 'all') return {}
  return shown === 'open' ? { is_open: 'true' as const } : { state: shown }
}

export function useSubmission(submissionId: string) {
  return useQuery({
    queryKey: queryKeys.submission(submissionId),
    queryFn: ({ signal }) => call(outboxApi.getSubmission, { params: { submission_id: submissionId }, signal }),
    enabled: submissionId !== '',
  })
}

export type OutboxAction = 'cancel' | 'retry' | 'sent' | 'failed'

const doneWords: Record<OutboxAction, string> = {
  cancel: 'Cancelled',
  retry: 'Retrying',
  sent: 'Marked as sent',
  failed: 'Marked as failed',
}

export function useOutboxAction({ id }: Pick<Submission, 'id'>) {
  const queries = useQueryClient()
  const toast = useToast()
  const params = { submission_id: id }
  return useMutation({
    mutationFn: (action: OutboxAction): Promise<Submission> => {
      if (action === 'cancel') return call(outboxApi.cancelSubmission, { params })
      if (action === 'retry') return call(outboxApi.retrySubmission, { params })
      return call(outboxApi.resolveSubmission, { params, body: { outcome: action } })
    },
    onSuccess: (_submission, action) => toast({ tone: 'good', title: doneWords[action] }),
    onSettled: () =>
      Promise.all([queryKeys.outbox, queryKeys.approvals].map(queryKey => queries.invalidateQueries({ queryKey }))),
  })
}
