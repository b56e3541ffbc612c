/** What agents spend is counted from the same call for the page, the metrics and the history. */
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import type { SentSize, ToolAnswer } from './agents/agent-service.ts'
import { type AgentSurroundings, composeAgents } from './compose-agents.ts'
import { HistoryRecorder } from './history/history-recorder.ts'
import { keyOf } from './history/series.ts'
import { type RequestOutcome, toAll } from './platform/http/http-outcome.ts'
import { createLogger } from './platform/logger.ts'
import { scopeSet } from './platform/principal.ts'

test('tokens of results are in the history, by principal and tool, and their bytes in the metrics', async () => {
  const history = new HistoryRecorder({
    readGauges: () => undefined,
    maintenance: { keepMinute: async () => undefined, maintain: async () => undefined },
    logger: createLogger('silent'),
  })
  const whole = new Registry()
  const { agents, part } = composeAgents({
    hub: { publishLastState: () => undefined },
    clients: { idOf: () => undefined },
    calls: { whole },
  } as unknown as AgentSurroundings)
  const principal = { id: 'token-a', name: 'A', kind: 'token', userId: 'u', scopes: scopeSet([]), accounts: 'all' }
  const caller = { principal, address: '192.0.2.7', userAgent: 'node' }
  const outcome = { operation: 'tool.mail_read', status: 200, code: 'ok', durationMs: 1, refs: {}, caller }
  const answer = { isError: false, output: {} } as const
  const observe = toAll<[ToolAnswer, SentSize | undefined]>([history, agents])
  observe({ ...outcome, method: 'CALL' } as unknown as RequestOutcome, answer, { bytes: 400, tokens: 100 })
  observe({ ...outcome, method: 'CALL' } as unknown as RequestOutcome, answer, undefined)
  await part.stop?.()
  history.sample()
  const points = history.recent.flatMap(minute => [...minute.points])
  const tokens = points.find(([key]) => key === keyOf('tokens', { principal: 'token-a', tool: 'mail_read' }))
  expect(tokens?.[1].at(-1)?.[1].sum).toBe(100)
  expect(await whole.metrics()).toContain('rustymail_mcp_tool_result_bytes_total{tool="mail_read"} 400')
})
