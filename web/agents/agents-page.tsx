/** Agents: live calls, who is connected and at what cost, and how to connect another one. */
import { KeyRound, Waypoints } from 'lucide-react'
import { useState } from 'react'
import { useLocation } from 'wouter'
import type { AgentOutcome } from '../../contract/agents.ts'
import { useAccounts } from '../accounts/use-accounts.ts'
import { formatCount } from '../platform/format.ts'
import { lazyPage } from '../platform/lazy-page.ts'
import { useUrlState } from '../platform/url-state.ts'
import { CreateTokenDialog } from '../tokens/token-dialogs.tsx'
import { AccountFilter } from '../ui/account-filter.tsx'
import { Button } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { AgentsTabs } from '../ui/page-tabs.tsx'
import { Panel } from '../ui/panel.tsx'
import { FilterSelect, WordOptions } from '../ui/select.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { CallLane } from './call-lane.tsx'
import { type OpenPeerDialog, PeerDialogs } from './peer-dialogs.tsx'
import { PeersTable } from './peers-table.tsx'
import { SetUp } from './set-up.tsx'
import { useAgentCalls } from './use-agent-calls.ts'
import { agentsIntervalMs, useAgents } from './use-agents.ts'

const firstShown = 15
const mostShown = 100

const PlaygroundPage = lazyPage(async () => (await import('./playground-page.tsx')).PlaygroundPage)

/** The page with the playground below it, whose code is loaded separately. */
export function AgentsPage() {
  const [path] = useLocation()
  return path === '/agents' ? <AllAgents /> : <PlaygroundPage />
}

function AllAgents() {
  const [{ connect }, setUrl] = useUrlState({ connect: '' })
  const agents = useAgents()
  const [dialog, setDialog] = useState<OpenPeerDialog>()
  const { data } = agents
  const connectButton = (
    <Button variant="primary" icon={KeyRound} onClick={() => setUrl({ connect: '1' })}>
      Connect an agent
    </Button>
  )
  return (
    <>
      <PageHeader
        title="Agents"
        description="Programs connected over MCP: what they call, and what it costs."
        actions={connectButton}
      />
      <AgentsTabs />
      <div className="grid grid-cols-1 gap-4">
        <Lane />
        <Panel
          title="Connected and recent"
          query={agents}
          intervalMs={agentsIntervalMs}
          skeleton={<SkeletonRows count={3} />}
          actions={data && <OpenCounts calls={data.open_calls} streams={data.open_streams} />}
          isEmpty={({ items }) => items.length === 0}
          empty={
            <EmptyState icon={Waypoints} title="No agents since the server started" actions={connectButton}>
              A token says what an agent may do, with which accounts, and until when. Connect the agent as shown below;
              it appears here with its first call.
            </EmptyState>
          }
        >
          {({ items }) => <PeersTable peers={items} onAct={(kind, peer) => setDialog({ kind, peer })} />}
        </Panel>
        <Card title="Set up a client">
          <SetUp />
          <p className="mt-3 text-xs text-muted">
            <code className="font-mono">rm_…</code> is a placeholder: it is filled in when you connect an agent.
          </p>
        </Card>
      </div>
      {connect === '1' && <CreateTokenDialog onClose={() => setUrl({ connect: '' }, { replace: true })} />}
      {dialog && <PeerDialogs dialog={dialog} onClose={() => setDialog(undefined)} />}
    </>
  )
}

function OpenCounts({ calls, streams }: { calls: number; streams: number }) {
  return (
    <span className="tabular-nums">
      {formatCount(calls, 'call')} in progress, {formatCount(streams, 'stream')} open
    </span>
  )
}

const outcomes: Record<AgentOutcome | '', string> = {
  '': 'All outcomes',
  ok: 'Done',
  refused: 'Refused',
  failed: 'Failed',
}

function Lane() {
  const [view, setView] = useUrlState({ outcome: '', account: '' })
  const accounts = useAccounts().data?.items ?? []
  const [isWhole, setWhole] = useState(false)
  const calls = useAgentCalls({
    limit: isWhole ? mostShown : firstShown,
    account_id: view.account || undefined,
    // Unchecked, because the server validates values of the address.
    outcome: view.outcome === '' ? undefined : (view.outcome as AgentOutcome),
  })
  const isNarrowed = view.outcome !== '' || view.account !== ''
  return (
    <Panel
      title="Live"
      query={calls}
      isEmpty={({ items }) => items.length === 0}
      empty={
        <EmptyState title={isNarrowed ? 'No matching calls' : 'No calls yet'}>
          {isNarrowed
            ? 'Choose another outcome or account.'
            : 'Tool calls appear here live: who called which tool, for which account, and how long it took. A restart clears the list; the audit trail keeps them.'}
        </EmptyState>
      }
      actions={
        <search aria-label="Live" className="flex min-w-0 gap-2">
          <FilterSelect
            label="Outcome"
            className="w-30"
            value={view.outcome}
            onChange={outcome => setView({ outcome }, { replace: true })}
          >
            <WordOptions words={outcomes} />
          </FilterSelect>
          <AccountFilter
            accounts={accounts}
            className="w-34"
            value={view.account}
            onChange={account => setView({ account }, { replace: true })}
          />
        </search>
      }
      footer={
        (isWhole || calls.data?.items.length === firstShown) && (
          <Button size="sm" variant="quiet" onClick={() => setWhole(!isWhole)}>
            {isWhole ? 'Show fewer' : `Show up to ${mostShown}`}
          </Button>
        )
      }
    >
      {({ items }) => <CallLane calls={items} accounts={accounts} />}
    </Panel>
  )
}
