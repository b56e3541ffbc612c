/** Shown beside a new token: waits for the agent's first call, and confirms it. */

import { principalOfToken } from '../changes/changes-view.ts'
import { useMay } from '../platform/session.ts'
import { StatePill } from '../ui/badge.tsx'
import { peerName } from './peer-words.ts'
import { useAgentCalls } from './use-agent-calls.ts'
import { useAgents } from './use-agents.ts'

export function FirstCall({ tokenId }: { tokenId: string }) {
  const mayLook = useMay('dashboard:read')
  const principal = principalOfToken(tokenId)
  const [first] = useAgentCalls({ limit: 1, principal }).data?.items ?? []
  const peer = useAgents(first === undefined).data?.items.find(each => each.principal === principal)
  if (!mayLook) return null
  return (
    <p role="status" className="flex flex-wrap items-center gap-2 text-sm">
      {first ? (
        <>
          <StatePill tone="good">It called</StatePill>
          <span className="min-w-0 wrap-anywhere">
            <code className="font-mono">{first.tool}</code>
            {first.client_name !== null && (
              <bdi> by {peerName({ client_name: first.client_name, user_agent: '' })}</bdi>
            )}
            . Follow it on the Agents page.
          </span>
        </>
      ) : (
        <>
          <StatePill tone="busy">{peer ? 'Connected' : 'Waiting'}</StatePill>
          {peer ? `${peerName(peer)} is here; waiting for its first call …` : 'Waiting for its first call …'}
        </>
      )}
    </p>
  )
}
