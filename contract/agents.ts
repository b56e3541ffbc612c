/** Agents at work: who is connected over MCP, what their tools were called with in short, what came of it, and what it cost. Held in memory. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { AccountId, Limit, Timestamp } from './wire.ts'

export const McpTransport = z.enum(['http', 'sse', 'stdio'])
export type McpTransport = z.infer<typeof McpTransport>

export const AgentOutcome = z
  .enum(['ok', 'refused', 'failed'])
  .describe(
    'A result that is an error is one: `refused` is an error of the caller or a rule, `failed` one of the server',
  )
export type AgentOutcome = z.infer<typeof AgentOutcome>

/** Of what a client says of itself. */
export const peerBounds = { name: 100, version: 60, revision: 20, tools: 64 } as const
/** Of what a tool touched, in UTF-16 units. */
export const touchedBounds = { subject: 120, sender: 254 } as const

const estimate = 'an estimate: a quarter of the bytes of results as they were sent, and 1,500 for an image'
const own = 'null for callers that do not see all accounts of this agent'

export const AgentTool = z
  .object({
    tool: z.string(),
    calls: z.int(),
    errors: z.int(),
    bytes: z.int().describe('Of results, as they were sent'),
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
    client_name: z.string().nullable().describe('As the client names itself, unverified; null where it does not'),
    client_version: z.string().nullable(),
    revision: z.string().nullable().describe('Of the protocol'),
    transport: McpTransport,
    session: z.string().nullable().describe('Name of its run, by which its changes can be undone'),
    ip_address: z.string(),
    user_agent: z.string(),
    client_id: z.string().nullable().describe('In `GET /api/dashboard/clients`; null when it is not there any more'),
    connected_at: Timestamp,
    last_seen_at: Timestamp,
    open_calls: z.int(),
    open_streams: z.int(),
    calls: z.int().nullable().describe(`Of tools, since it was first seen; ${own}`),
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
    account_id: z.string().nullable().describe('null where the call was about all accounts of its token'),
    outcome: AgentOutcome,
    code: z.string().describe('`ok`, or the code of the problem'),
    duration_ms: z.number(),
    bytes: z.int(),
    tokens: z.int().describe(`Of its result; ${estimate}`),
    messages: z.int().nullable().describe('Messages in its result; null where a tool answers none'),
    sender: z
      .string()
      .nullable()
      .describe('Of the first message in its result; null without it, and for callers without `mail:meta`'),
    subject: z.string().nullable().describe('As `sender`'),
  })
  .meta({ id: 'AgentCall' })
export type AgentCall = z.infer<typeof AgentCall>

const shared = { method: 'GET', tag: 'Agents', scope: 'dashboard:read', effect: 'read' } as const
export const agentsApi = {
  listAgents: endpoint({
    ...shared,
    path: '/api/dashboard/agents',
    summary: 'List agents that are or were connected over MCP since the server started, the one seen last first',
    response: z.object({ items: z.array(AgentPeer), open_calls: z.int(), open_streams: z.int() }),
  }),
  listAgentCalls: endpoint({
    ...shared,
    path: '/api/dashboard/agents/calls',
    summary: 'List the newest calls of tools over MCP, of accounts that you see; memory holds 1,000',
    query: z.strictObject({
      limit: Limit,
      principal: z.string().max(100).optional().describe('Only calls of this principal'),
      account_id: AccountId.optional(),
      outcome: AgentOutcome.optional(),
    }),
    response: z.object({ items: z.array(AgentCall) }),
  }),
}

/** Told to those alone that may see one of the calls; which they are, they ask for. */
export const agentStates = {
  agent_activity: {
    scope: 'dashboard:read',
    data: z.object({ newest: z.string().describe('Id of the newest call that you may see'), at: Timestamp }),
  },
} as const
