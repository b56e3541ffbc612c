/** Shows what would happen if a token sent this draft, to try out a policy. */
import { useMutation } from '@tanstack/react-query'
import type { Draft } from '../../contract/draft.ts'
import { outboxApi } from '../../contract/outbox.ts'
import { call } from '../platform/api-client.ts'
import { visibleText } from '../platform/visible-text.ts'
import { useTokens } from '../tokens/use-tokens.ts'
import { ToneIcon } from '../ui/badge.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { Field, Select } from '../ui/field.tsx'
import type { Tone } from '../ui/tone.ts'

const verdicts: Record<'send' | 'hold' | 'deny', { tone: Tone; words: string }> = {
  send: { tone: 'good', words: 'would send this immediately.' },
  hold: { tone: 'warn', words: 'would need approval to send this.' },
  deny: { tone: 'bad', words: 'may not send this.' },
}

/** The check; use the revision as its key, because each result is valid for one revision only. */
export function PolicyCheck({ draft: { account_id: accountId, id: draftId, rev } }: { draft: Draft }) {
  const tokens = useTokens()
  const check = useMutation({
    mutationFn: (tokenId: string) =>
      call(outboxApi.checkDraft, {
        params: { account_id: accountId, draft_id: draftId },
        body: { rev, token_id: tokenId },
      }),
  })
  const senders = (tokens.data?.items ?? []).filter(
    ({ scopes, accounts }) => scopes.includes('mail:send') && accounts.includes(accountId),
  )
  if (senders.length === 0) return null
  const name = senders.find(({ id }) => id === check.variables)?.name
  const verdict = check.data && verdicts[check.data.verdict]
  return (
    <section aria-label="Check by a policy" className="grid gap-2 py-2 text-sm">
      <Field label="What would happen if a token sent this?">
        <Select
          value={check.variables ?? ''}
          onChange={event => event.target.value !== '' && check.mutate(event.target.value)}
        >
          <option value="">Choose a token</option>
          {senders.map(token => (
            <option key={token.id} value={token.id}>
              {token.name}
            </option>
          ))}
        </Select>
      </Field>
      {check.error && <ErrorNote error={check.error} />}
      <div role="status" className="grid gap-1">
        {verdict && (
          <p className="flex items-start gap-2">
            <span className="mt-0.5">
              <ToneIcon tone={verdict.tone} />
            </span>
            <span>
              <bdi className="font-medium">{name}</bdi> {verdict.words}
            </span>
          </p>
        )}
        {check.data?.findings.map(({ rule, why }) => (
          <p key={`${rule} ${why}`} className="ps-5.5 text-soft wrap-anywhere">
            {visibleText(why)}
          </p>
        ))}
      </div>
    </section>
  )
}
