/** Pending approvals and decisions. A decision names the hash that was reviewed. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type Approval, type ApprovalState, approvalsApi } from '../../contract/approvals.ts'
import type { DraftBody, RecipientInput } from '../../contract/draft.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useMay } from '../platform/session.ts'
import { useToast } from '../ui/toast.tsx'

const decidedStates = ['approved', 'denied', 'expired', 'void'] as const satisfies readonly ApprovalState[]

/** Returns the pending approvals, kept fresh by facts. */
export function useWaitingApprovals() {
  const maySee = useMay('mail:draft')
  return useQuery({
    queryKey: queryKeys.approvalsIn('waiting'),
    queryFn: ({ signal }) => call(approvalsApi.listApprovals, { query: { state: 'waiting', limit: '100' }, signal }),
    enabled: maySee,
  })
}

/** Returns the newest approvals that are no longer pending. */
export function useDecidedApprovals(isAsked: boolean) {
  return useQuery({
    queryKey: queryKeys.approvalsIn('decided'),
    queryFn: async ({ signal }) => {
      const lists = await Promise.all(
        decidedStates.map(state => call(approvalsApi.listApprovals, { query: { state, limit: '50' }, signal })),
      )
      const items = lists.flatMap(list => list.items)
      return { items: items.toSorted((one, other) => other.created_at.localeCompare(one.created_at)).slice(0, 100) }
    },
    enabled: isAsked,
  })
}

export function useApproval(approvalId: string) {
  return useQuery({
    queryKey: queryKeys.approval(approvalId),
    queryFn: ({ signal }) => call(approvalsApi.getApproval, { params: { approval_id: approvalId }, signal }),
  })
}

export function useApprove({ id, hash, needs_passkey: needsPasskey }: Pick<Approval, 'id' | 'hash' | 'needs_passkey'>) {
  const changed = useApprovalsChanged()
  const toast = useToast()
  return useMutation({
    mutationFn: async () => {
      const params = { approval_id: id }
      if (!needsPasskey) return call(approvalsApi.approve, { params, body: { hash } })
      const challenge = await call(approvalsApi.beginApproving, { params, body: { hash } })
      const { givePasskey } = await import('../access/passkeys.ts')
      return call(approvalsApi.approve, { params, body: { hash, passkey: await givePasskey(challenge) } })
    },
    onSuccess: ({ state, decisions, needed }) => {
      const given = decisions.filter(({ decision, counts }) => decision === 'approve' && counts).length
      if (state === 'approved') toast({ tone: 'good', title: 'Approved', detail: 'It is on its way.' })
      else toast({ tone: 'info', title: 'Your approval counts', detail: `${given} of ${needed} so far.` })
    },
    onSettled: changed,
  })
}

export function useDeny({ id, hash }: Pick<Approval, 'id' | 'hash'>) {
  const changed = useApprovalsChanged()
  const toast = useToast()
  return useMutation({
    mutationFn: (reason: string) =>
      call(approvalsApi.deny, { params: { approval_id: id }, body: { hash, ...(reason && { reason }) } }),
    onSuccess: () => toast({ tone: 'good', title: 'Denied', detail: 'Nothing was sent.' }),
    onSettled: changed,
  })
}

export interface HeldEdit {
  to: RecipientInput[]
  cc: RecipientInput[]
  bcc: RecipientInput[]
  subject: string
  /** Omitted: unchanged. */
  body?: DraftBody
}

/** Edits the message; the result has another hash and must be reviewed before it is approved. */
export function useEditHeld({ id, hash }: Pick<Approval, 'id' | 'hash'>) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (edit: HeldEdit) =>
      call(approvalsApi.editHeld, { params: { approval_id: id }, body: { hash, ...edit } }),
    onSuccess: async detail => {
      queries.setQueryData(queryKeys.approval(detail.id), detail)
      await Promise.all(
        [queryKeys.approvals, queryKeys.proposals].map(queryKey => queries.invalidateQueries({ queryKey })),
      )
    },
  })
}

function useApprovalsChanged(): () => Promise<unknown> {
  const queries = useQueryClient()
  return () =>
    Promise.all(
      [queryKeys.approvals, queryKeys.outbox, queryKeys.proposals].map(queryKey =>
        queries.invalidateQueries({ queryKey }),
      ),
    )
}
