/** Live calls of agents: caller, tool, account, subject and duration. */
import { ArrowRight } from 'lucide-react'
import type { ReactNode } from 'react'
import type { Account } from '../../contract/accounts.ts'
import type { AgentCall } from '../../contract/agents.ts'
import { formatNumber } from '../platform/format.ts'
import { operationWords } from '../platform/operation-words.ts'
import { ToneIcon } from '../ui/badge.tsx'
import { classNames } from '../ui/class-names.ts'
import { RelativeTime } from '../ui/relative-time.tsx'
import { msWords, outcomeTones, outcomeWords, tokenWords, touchedWords } from './peer-words.ts'

type Named = Pick<Account, 'id' | 'name'>

/** @param isShort Shows only the first calls where each takes three lines, because other content follows. */
export function CallLane({
  calls,
  accounts,
  isShort = false,
}: {
  calls: readonly AgentCall[]
  accounts: readonly Named[]
  isShort?: boolean
}) {
  return (
    <ol
      aria-label="Calls"
      className={classNames('@container/lane', isShort && '[&>li:nth-child(n+4)]:hidden sm:[&>li:nth-child(n+4)]:grid')}
    >
      {calls.map(call => (
        <CallRow key={call.id} call={call} account={accounts.find(({ id }) => id === call.account_id)?.name} />
      ))}
    </ol>
  )
}

/** One call: a single line, or three on phones. */
function CallRow({ call, account }: { call: AgentCall; account: string | undefined }) {
  const { principal_name: who, client_name: client, tool, outcome, duration_ms: ms, tokens, at } = call
  const what = touchedWords(call)
  const where = account ?? (call.account_id === null ? 'its accounts' : 'an account')
  return (
    <li className="grid grid-cols-[auto_minmax(0,1fr)_auto] items-center gap-x-3 gap-y-0.5 border-b px-4 py-1.5 text-sm last:border-b-0 @2xl/lane:grid-cols-[minmax(5rem,8rem)_8.5rem_minmax(4rem,6rem)_minmax(0,1fr)_auto] @5xl/lane:grid-cols-[minmax(6rem,10rem)_9rem_minmax(5rem,8rem)_minmax(0,1fr)_auto]">
      <span className="col-span-2 flex min-w-0 items-center gap-1.5 @2xl/lane:col-span-1">
        <ToneIcon tone={outcomeTones[outcome]} />
        <span className="sr-only">{outcomeWords[outcome]}: </span>
        <bdi className="truncate font-medium" title={client === null ? who : `${who} (${client})`}>
          {who}
        </bdi>
      </span>
      <Step className="row-start-2 pl-5 @2xl/lane:row-auto @2xl/lane:pl-0">
        <code className="truncate font-mono text-xs" title={operationWords(`tool.${tool}`)}>
          {tool}
        </code>
      </Step>
      <Step className="col-span-2 row-start-2 @2xl/lane:col-span-1 @2xl/lane:row-auto">
        <bdi className="truncate text-soft">{where}</bdi>
      </Step>
      {what === '' ? (
        <span className="hidden @2xl/lane:block" />
      ) : (
        <Step className="col-span-3 row-start-3 pl-5 @2xl/lane:col-span-1 @2xl/lane:row-auto @2xl/lane:pl-0">
          <bdi dir="auto" className={classNames('truncate', outcome !== 'ok' && 'text-warn')} title={what}>
            {what}
          </bdi>
        </Step>
      )}
      <span className="col-start-3 row-start-1 flex shrink-0 items-center gap-2 text-xs text-muted tabular-nums @2xl/lane:col-auto @2xl/lane:row-auto @2xl/lane:justify-end">
        <span className="@2xl/lane:w-14 @2xl/lane:text-right">{msWords(ms)}</span>
        <span
          className="hidden w-24 text-right @5xl/lane:inline"
          title={`${formatNumber(call.bytes)} bytes of result; about ${formatNumber(tokens)} tokens, an estimate`}
        >
          {tokenWords(tokens)} tokens
        </span>
        <span className="@2xl/lane:w-20 @2xl/lane:text-right">
          <RelativeTime at={at} />
        </span>
      </span>
    </li>
  )
}

function Step({ children, className }: { children: ReactNode; className: string }) {
  return (
    <span className={classNames('flex min-w-0 items-center gap-1.5', className)}>
      <ArrowRight className="size-3.5 shrink-0 text-muted" aria-hidden="true" />
      {children}
    </span>
  )
}
