/** Calls of agents as they happen: who, with which tool, on which account, about what, and how long it took. */
import { ArrowRight } from 'lucide-react'
import type { Account } from '../../contract/accounts.ts'
import type { AgentCall } from '../../contract/agents.ts'
import { formatNumber } from '../platform/format.ts'
import { operationWords } from '../platform/operation-words.ts'
import { ToneIcon } from '../ui/badge.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { msWords, outcomeTones, outcomeWords, tokenWords, touchedWords } from './peer-words.ts'

type Named = Pick<Account, 'id' | 'name'>

export function CallLane({ calls, accounts }: { calls: readonly AgentCall[]; accounts: readonly Named[] }) {
  return (
    <ol aria-label="Calls" className="@container/lane">
      {calls.map(call => (
        <CallRow key={call.id} call={call} account={accounts.find(({ id }) => id === call.account_id)?.name} />
      ))}
    </ol>
  )
}

/** One line where there is room; on phones two. */
function CallRow({ call, account }: { call: AgentCall; account: string | undefined }) {
  const { principal_name: who, client_name: client, tool, outcome, duration_ms: ms, tokens, at } = call
  const what = touchedWords(call)
  const where = account ?? (call.account_id === null ? 'its accounts' : 'an account')
  return (
    <li className="grid items-baseline gap-x-3 gap-y-0.5 border-b px-4 py-1.5 text-sm last:border-b-0 @2xl/lane:grid-cols-[minmax(7rem,11rem)_minmax(9rem,11rem)_minmax(6rem,10rem)_minmax(0,1fr)_auto]">
      <span className="flex min-w-0 items-center gap-1.5">
        <ToneIcon tone={outcomeTones[outcome]} />
        <span className="sr-only">{outcomeWords[outcome]}: </span>
        <bdi className="truncate font-medium" title={client === null ? who : `${who} (${client})`}>
          {who}
        </bdi>
      </span>
      <Step>
        <code className="truncate font-mono text-xs" title={operationWords(`tool.${tool}`)}>
          {tool}
        </code>
      </Step>
      <Step>
        <bdi className="truncate text-soft">{where}</bdi>
      </Step>
      <Step isHidden={what === ''}>
        <bdi dir="auto" className={outcome === 'ok' ? 'truncate' : 'truncate text-warn'} title={what}>
          {what}
        </bdi>
      </Step>
      <span className="flex shrink-0 items-baseline gap-2 text-xs text-muted tabular-nums @2xl/lane:justify-end">
        <span className="@2xl/lane:w-14 @2xl/lane:text-right">{msWords(ms)}</span>
        <span
          className="@2xl/lane:w-14 @2xl/lane:text-right"
          title={`${formatNumber(call.bytes)} bytes of result; about ${formatNumber(tokens)} tokens, an estimate`}
        >
          {tokenWords(tokens)}
        </span>
        <span className="@2xl/lane:w-24 @2xl/lane:text-right">
          <RelativeTime at={at} />
        </span>
      </span>
    </li>
  )
}

function Step({ children, isHidden = false }: { children: React.ReactNode; isHidden?: boolean }) {
  return (
    <span className="flex min-w-0 items-center gap-1.5 max-@2xl/lane:pl-5">
      {!isHidden && <ArrowRight className="size-3.5 shrink-0 text-muted" aria-hidden="true" />}
      {children}
    </span>
  )
}
