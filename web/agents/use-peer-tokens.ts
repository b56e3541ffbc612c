/** The tokens of agents, as far as the reader may see them, and whether they are stopped. */
import type { AgentPeer } from '../../contract/agents.ts'
import type { ApiToken } from '../../contract/tokens.ts'
import { principalOfToken } from '../changes/changes-view.ts'
import { useFreezes } from '../freeze/use-freezes.ts'
import { useTokens } from '../tokens/use-tokens.ts'

const mark = principalOfToken('')

export function tokenIdOf({ principal, principal_kind: kind }: AgentPeer): string | undefined {
  return kind === 'token' && principal.startsWith(mark) ? principal.slice(mark.length) : undefined
}

/** Returns the principal that a freeze names; undefined for people. */
export function freezeNameOf(peer: AgentPeer): string | undefined {
  return peer.principal_kind === 'api_key' ? 'api_key' : tokenIdOf(peer)
}

export function usePeerTokens() {
  const tokens = useTokens().data?.items ?? []
  const freezes = useFreezes().data?.items ?? []
  return {
    tokenOf: (peer: AgentPeer): ApiToken | undefined => tokens.find(({ id }) => id === tokenIdOf(peer)),
    // Returns whether an agent is stopped; stopping everything affects programs, not people.
    isStopped: (peer: AgentPeer) => {
      const name = freezeNameOf(peer)
      return (
        name !== undefined && freezes.some(({ target, principal }) => target === 'everything' || principal === name)
      )
    },
  }
}
