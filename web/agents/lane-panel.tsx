/** The lane on the Overview: what agents do now. Where no agent ever came, there is nothing to see, and it is not there. */
import { Link } from 'wouter'
import type { Account } from '../../contract/accounts.ts'
import { Panel } from '../ui/panel.tsx'
import { CallLane } from './call-lane.tsx'
import { useAgentCalls } from './use-agents.ts'

const shown = 6

export function LanePanel({ accounts }: { accounts: readonly Pick<Account, 'id' | 'name'>[] }) {
  const calls = useAgentCalls({ limit: shown })
  if ((calls.data?.items.length ?? 0) === 0) return null
  return (
    <Panel
      title="Agents now"
      query={calls}
      actions={
        <Link href="/agents" className="rounded-sm font-medium text-accent hover:underline">
          All agents
        </Link>
      }
    >
      {({ items }) => <CallLane calls={items} accounts={accounts} />}
    </Panel>
  )
}
