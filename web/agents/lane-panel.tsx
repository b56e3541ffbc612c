/** The panel of live calls on the overview; renders nothing until an agent has connected. */
import type { UseQueryResult } from '@tanstack/react-query'
import { Link } from 'wouter'
import type { Account } from '../../contract/accounts.ts'
import type { AgentCall } from '../../contract/agents.ts'
import { Panel } from '../ui/panel.tsx'
import { CallLane } from './call-lane.tsx'

export function LanePanel({
  calls,
  accounts,
}: {
  calls: UseQueryResult<{ items: AgentCall[] }>
  accounts: readonly Pick<Account, 'id' | 'name'>[]
}) {
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
      {({ items }) => <CallLane calls={items} accounts={accounts} isShort />}
    </Panel>
  )
}
