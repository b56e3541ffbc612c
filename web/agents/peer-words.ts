/** The name and connection of an agent, in words. */
import type { AgentCall, AgentOutcome, AgentPeer, McpTransport } from '../../contract/agents.ts'
import { agentWords } from '../platform/agent-words.ts'
import { formatCount } from '../platform/format.ts'
import { visibleText } from '../platform/visible-text.ts'
import type { Tone } from '../ui/tone.ts'

export const outcomeTones: Record<AgentOutcome, Tone> = { ok: 'good', refused: 'warn', failed: 'bad' }
export const outcomeWords: Record<AgentOutcome, string> = { ok: 'Done', refused: 'Refused', failed: 'Failed' }

export const transportWords: Record<McpTransport, string> = {
  http: 'Streamable HTTP',
  sse: 'HTTP with SSE (2024)',
  stdio: 'stdio',
}

/** Returns the name that the client reports, or else one from its user agent; neither is verified. */
export function peerName({
  client_name: name,
  user_agent: agent,
}: Pick<AgentPeer, 'client_name' | 'user_agent'>): string {
  if (name !== null) return visibleText(name)
  return agent === '' ? 'Unknown client' : `Unknown client (${visibleText(agentWords(agent))})`
}

/** Describes what a call was about: sender and subject of the first message, and how many more there are. */
export function touchedWords({ messages, subject, sender, code, outcome }: AgentCall): string {
  if (outcome !== 'ok') return code.replaceAll('_', ' ')
  if (subject === null && sender === null) return messages === null ? '' : formatCount(messages, 'message')
  const first = [sender, subject]
    .filter(words => words !== null)
    .map(visibleText)
    .join(': ')
  const others = (messages ?? 1) - 1
  return others > 0 ? `${first} (and ${others} more)` : first
}

/** Formats a duration compactly. */
export function msWords(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`
}

/** Formats an estimated number of tokens: `1.2k`. */
export function tokenWords(tokens: number): string {
  if (tokens < 1_000) return `≈ ${tokens}`
  return tokens < 1_000_000 ? `≈ ${(tokens / 1_000).toFixed(1)}k` : `≈ ${(tokens / 1_000_000).toFixed(1)}M`
}
