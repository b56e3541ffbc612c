/** Shown before the first question: suggestions based on what this server has. */
import { useQuery } from '@tanstack/react-query'
import { MessageCircleQuestionMark } from 'lucide-react'
import { api } from '../../contract/index.ts'
import { isReadable } from '../accounts/account-words.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useMay } from '../platform/session.ts'
import { EmptyState } from '../ui/empty-state.tsx'

const mostOpenings = 5

export function Openings({ onAsk }: { onAsk(question: string): void }) {
  const questions = useOpenings()
  return (
    <EmptyState icon={MessageCircleQuestionMark} title="Ask about your mail or this server">
      <div className="grid gap-4">
        <p>
          The assistant looks things up in the accounts and figures that you may see, as far as the chosen model may be
          sent them, and cites its sources. It asks you before it changes or sends anything.
        </p>
        <Suggestions questions={questions} onAsk={onAsk} />
      </div>
    </EmptyState>
  )
}

export function Suggestions({ questions, onAsk }: { questions: readonly string[]; onAsk(question: string): void }) {
  return (
    <ul aria-label="Suggestions" className="grid gap-2">
      {questions.map(question => (
        <li key={question}>
          <button
            type="button"
            onClick={() => onAsk(question)}
            className="min-h-9 w-full rounded-md border bg-surface px-3 py-1.5 text-left text-sm text-ink wrap-anywhere hover:bg-sunken"
          >
            {question}
          </button>
        </li>
      ))}
    </ul>
  )
}

function useOpenings(): readonly string[] {
  const mayLook = useMay('dashboard:read')
  const mayReadMail = useMay('mail:meta')
  const accounts = useQuery({
    queryKey: queryKeys.accounts,
    queryFn: ({ signal }) => call(api.accounts.listAccounts, { signal }),
    enabled: mayLook,
  })
  const tokens = useQuery({
    queryKey: queryKeys.tokens,
    queryFn: ({ signal }) => call(api.tokens.listTokens, { signal }),
  })
  const alerts = useQuery({
    queryKey: [...queryKeys.alerts, 'open'],
    queryFn: ({ signal }) => call(api.alerts.listAlerts, { query: { state: 'open', limit: '50' }, signal }),
    enabled: mayLook,
  })
  const all = accounts.data?.items ?? []
  const trouble = all.find(account => account.enabled && !isReadable(account))
  const mailbox = mayReadMail ? all.find(isReadable) : undefined
  const alert = alerts.data?.items[0]
  const token = tokens.data?.items.find(({ last_used_at: used }) => used !== null)
  return [
    ...(alert ? [`Why is the alert “${alert.name}” open?`] : []),
    ...(trouble ? [`Why does ${trouble.name} not work, and since when?`] : []),
    ...(mailbox ? [`What came in for ${mailbox.name} since yesterday that needs an answer?`] : []),
    ...(token ? [`What did the token “${token.name}” do last night?`] : []),
    'What needs my attention now?',
    'Was this server slower today than yesterday?',
  ].slice(0, mostOpenings)
}
