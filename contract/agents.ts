/** Agents connected over MCP: their tool calls, with subject matter, outcome and cost. Kept in memory. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { AccountId, Limit, Timestamp } from './wire.ts'

export const McpTransport = z.enum(['http', 'sse', 'stdio'])
export type McpTransport = z.infer<typeof McpTransport>

export const AgentOutcome = z
  .enum(['ok', 'refused', 'failed'])
  .describe(
    'Outcome of a call; an error result counts as an error: `refused` is caused by the caller or a rule, `failed` by the server',
  )
export type AgentOutcome = z.infer<typeof AgentOutcome>

/** Maximum characters of a client’s own name and version. */
export const peerBounds = { name: 100, version: 60, revision: 20, tools: 64 } as const
/** Maximum length of a sender or subject shown for a call, in UTF-16 units. */
export const touchedBounds = { subject: 120, sender: 254 } as const

const estimate = 'an estimate: a quarter of the bytes of results as they were sent, and 1,500 for an image'
const own = 'null for callers that do not see all accounts of this agent'

export const AgentTool = z
  .object({
    tool: z.string(),
    calls: z.int(),
    errors: z.int(),
    bytes: z.int().describe('Bytes of results as sent'),
    tokens: z.int().describe(`Spent by the agent on results; ${estimate}`),
  })
  .meta({ id: 'AgentTool' })
export type AgentTool = z.infer<typeof AgentTool>

export const AgentPeer = z
  .object({
    id: z.string(),
    principal: z.string().describe('Id of the principal: `token-…`'),
    principal_name: z.string(),
    principal_kind: z.enum(['session', 'token', 'api_key']),
    client_name: z.string().nullable().describe('The client’s own name, unverified; null if it gives none'),
    client_version: z.string().nullable(),
    revision: z.string().nullable().describe('Protocol revision'),
    transport: McpTransport,
    session: z
      .string()
      .nullable()
      .describe('Name of the agent’s run (session of work), by which its changes can be undone'),
    ip_address: z.string(),
    user_agent: z.string(),
    client_id: z.string().nullable().describe('Id in `GET /api/dashboard/clients`; null when it is no longer listed'),
    connected_at: Timestamp,
    last_seen_at: Timestamp,
    open_calls: z.int(),
    open_streams: z.int(),
    calls: z.int().nullable().describe(`Tool calls since the agent was first seen; ${own}`),
    errors: z.int().nullable(),
    tokens: z.int().nullable().describe(`Spent on results; ${estimate}`),
    last_call: z.object({ tool: z.string(), at: Timestamp }).nullable(),
    tools: z.array(AgentTool).nullable().describe('Most tokens first'),
  })
  .meta({ id: 'AgentPeer' })
export type AgentPeer = z.infer<typeof AgentPeer>

export const AgentCall = z
  .object({
    id: z.string(),
    at: Timestamp,
    principal: z.string(),
    principal_name: z.string(),
    client_name: z.string().nullable(),
    session: z.string().nullable(),
    tool: z.string(),
    account_id: z.string().nullable().describe('null if the call concerned all accounts of its token'),
    outcome: AgentOutcome,
    code: z.string().describe('`ok`, or the code of the problem'),
    duration_ms: z.number(),
    bytes: z.int(),
    tokens: z.int().describe(`Tokens of the result; ${estimate}`),
    messages: z.int().nullable().describe('Number of messages in the result; null for tools that return none'),
    sender: z
      .string()
      .nullable()
      .describe(
        'Sender of the first message in the result; null if there is none, and for callers without `mail:meta`',
      ),
    subject: z.string().nullable().describe('Subject of the same message; null in the same cases'),
  })
  .meta({ id: 'AgentCall' })
export type AgentCall = z.infer<typeof AgentCall>

const shared = { method: 'GET', tag: 'Agents', scope: 'dashboard:read', effect: 'read' } as const
export const agentsApi = {
  listAgents: endpoint({
    ...shared,
    path: '/api/dashboard/agents',
    summary: 'List agents connected over MCP since the server started, most recently seen first',
    response: z.object({ items: z.array(AgentPeer), open_calls: z.int(), open_streams: z.int() }),
  }),
  listAgentCalls: endpoint({
    ...shared,
    path: '/api/dashboard/agents/calls',
    summary: 'List the newest tool calls over MCP for accounts that you may see; 1,000 are kept in memory',
    query: z.strictObject({
      limit: Limit,
      principal: z.string().max(100).optional().describe('Only calls of this principal'),
      account_id: AccountId.optional(),
      outcome: AgentOutcome.optional(),
    }),
    response: z.object({ items: z.array(AgentCall) }),
  }),
}

/** Sent only to callers that may see one of the new calls; they fetch the calls themselves. */
export const agentStates = {
  agent_activity: {
    scope: 'dashboard:read',
    data: z.object({ newest: z.string().describe('Id of the newest call that you may see'), at: Timestamp }),
  },
} as const
