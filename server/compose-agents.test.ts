/** What agents spend is counted from one place: the page, the metrics and the history say the same. */
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { type AgentSurroundings, composeAgents } from './compose-agents.ts'
import type { RequestOutcome } from './platform/http/http-outcome.ts'
import { scopeSet } from './platform/principal.ts'

test('tokens of results are in the history, by principal and tool', async () => {
  const counted: unknown[] = []
  const whole = new Registry()
  const { agents, part } = composeAgents({
    hub: { publishLastState: () => undefined },
    clients: { idOf: () => undefined },
    calls: { whole },
    history: { count: (...args: unknown[]) => void counted.push(args) },
  } as unknown as AgentSurroundings)
  const principal = { id: 'token-a', name: 'A', kind: 'token', userId: 'u', scopes: scopeSet([]), accounts: 'all' }
  const caller = { principal, address: '192.0.2.7', userAgent: 'node' }
  const outcome = { operation: 'tool.mail_read', status: 200, code: 'ok', durationMs: 1, refs: {}, caller }
  const answer = { isError: false, output: {} } as const
  agents.observe(outcome as unknown as RequestOutcome, answer, { bytes: 400, tokens: 100 })
  agents.observe(outcome as unknown as RequestOutcome, answer)
  await part.stop?.()
  expect(counted).toEqual([['tokens', { principal: 'token-a', tool: 'mail_read' }, 100]])
  expect(await whole.metrics()).toContain('rustymail_mcp_tool_result_bytes_total{tool="mail_read"} 400')
})
