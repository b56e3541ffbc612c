/** The sender: an address of the account or, for a new message, of another account, which the draft then moves to. */
import { useMutation } from '@tanstack/react-query'
import type { Account } from '../../contract/accounts.ts'
import type { Draft } from '../../contract/draft.ts'
import { draftsApi } from '../../contract/drafts.ts'
import { call } from '../platform/api-client.ts'
import { useToast } from '../ui/toast.tsx'
import { useCompose } from './compose-context.tsx'
import type { DraftForm } from './draft-form.ts'
import { toInput, validOf } from './recipients.ts'
import { useSignature } from './use-signature.ts'

export function FromField({
  draft,
  form,
  accounts,
  mayMove,
  onChange,
}: {
  draft: Draft
  form: DraftForm
  accounts: readonly Account[]
  mayMove: boolean
  onChange(email: string): void
}) {
  const { from, account_id: accountId, attachments } = draft
  const move = useMoveDraft(draft, form)
  const senders = useSenders(accountId, accounts.find(({ id }) => id === accountId)?.email ?? from.email, form)
  const mayLeave = mayMove && attachments.length === 0
  const others = mayLeave ? accounts.filter(({ enabled, id }) => enabled && id !== accountId) : []
  const current = accounts.find(({ id }) => id === accountId)
  const labelOf = (email: string) => (current && email === current.email ? `${current.name} (${email})` : email)
  return (
    <div className="flex items-center gap-2 border-b py-1 text-sm focus-within:border-accent">
      <span id="compose-from" className="w-14 shrink-0 text-muted">
        From
      </span>
      {senders.length + others.length > 1 ? (
        <select
          aria-labelledby="compose-from"
          value={form.from_email}
          disabled={move.isPending}
          onChange={({ target: { value } }) => {
            const other = others.find(({ id }) => `account ${id}` === value)
            if (other) move.mutate(other.id)
            else onChange(value)
          }}
          className="min-h-8 min-w-0 flex-1 truncate bg-transparent max-md:min-h-11"
        >
          {senders.map(email => (
            <option key={email} value={email}>
              {labelOf(email)}
            </option>
          ))}
          {others.map(({ id, name, email }) => (
            <option key={id} value={`account ${id}`}>
              {name} ({email})
            </option>
          ))}
        </select>
      ) : (
        <bdi className="min-h-8 min-w-0 truncate py-1.5">{from.name ? `${from.name} <${from.email}>` : from.email}</bdi>
      )}
    </div>
  )
}

/** Returns the addresses of the account, and the draft's own, which may no longer be among them. */
function useSenders(accountId: string, own: string, { from_email: chosen }: DraftForm): string[] {
  const { data } = useSignature(accountId)
  return [...new Set([own, ...(data?.aliases ?? []).map(({ email }) => email), chosen])]
}

function useMoveDraft({ account_id: accountId, id: draftId, body: { format } }: Draft, form: DraftForm) {
  const { reopen } = useCompose()
  const toast = useToast()
  return useMutation({
    mutationFn: async (otherId: string) => {
      const { to, cc, bcc, subject, content, include_signature } = form
      const people = { to: validOf(to).map(toInput), cc: validOf(cc).map(toInput), bcc: validOf(bcc).map(toInput) }
      const body = { mode: 'new' as const, ...people, subject, body: { format, content }, include_signature }
      const made = await call(draftsApi.createDraft, { params: { account_id: otherId }, body })
      await call(draftsApi.discardDraft, { params: { account_id: accountId, draft_id: draftId } })
      return made
    },
    onSuccess: made => reopen(made.account_id, made.id),
    onError: error => toast({ tone: 'bad', title: 'It stays with this account', detail: error.message }),
  })
}
