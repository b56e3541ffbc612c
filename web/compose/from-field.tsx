/** From which account a message goes. A new one can go from another: it is then a draft of that account. */
import { useMutation } from '@tanstack/react-query'
import type { Account } from '../../contract/accounts.ts'
import type { Draft } from '../../contract/draft.ts'
import { draftsApi } from '../../contract/drafts.ts'
import { call } from '../platform/api-client.ts'
import { useToast } from '../ui/toast.tsx'
import { useCompose } from './compose-context.tsx'
import type { DraftForm } from './draft-form.ts'
import { toInput, validOf } from './recipients.ts'

export function FromField({
  draft,
  form,
  accounts,
  mayMove,
}: {
  draft: Draft
  form: DraftForm
  accounts: readonly Account[]
  mayMove: boolean
}) {
  const { from, account_id: accountId, attachments } = draft
  const move = useMoveDraft(draft, form)
  const others = accounts.filter(({ enabled, id }) => enabled || id === accountId)
  const isChoice = mayMove && others.length > 1 && attachments.length === 0
  return (
    <div className="flex items-center gap-2 border-b py-1 text-sm">
      <span id="compose-from" className="w-14 shrink-0 text-muted">
        From
      </span>
      {isChoice ? (
        <select
          aria-labelledby="compose-from"
          value={accountId}
          disabled={move.isPending}
          onChange={event => move.mutate(event.target.value)}
          className="min-h-8 min-w-0 flex-1 truncate bg-transparent max-md:min-h-11"
        >
          {others.map(({ id, name, email }) => (
            <option key={id} value={id}>
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
