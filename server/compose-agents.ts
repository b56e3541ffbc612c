/** Seeing agents, wired by hand: who works over MCP, and what it costs. A part of the composition root. */
import { agentRoutes } from './agents/agent-routes.ts'
import { AgentService } from './agents/agent-service.ts'
import type { ClientRegistry } from './clients/client-registry.ts'
import type { EventHub } from './events/event-hub.ts'
import type { CallMetrics } from './metrics/call-metrics.ts'
import { McpMetrics } from './metrics/mcp-metrics.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { Part } from './platform/lifecycle.ts'

export interface AgentSurroundings {
  hub: EventHub
  clients: Pick<ClientRegistry, 'idOf'>
  calls: CallMetrics
}

export interface ComposedAgents {
  /** Records MCP exchanges and tool calls. */
  agents: AgentService
  addRoutes(http: HttpServer): void
  part: Part
}

export function composeAgents({ hub, clients, calls }: AgentSurroundings): ComposedAgents {
  const metrics: McpMetrics = new McpMetrics(calls.whole, () => agents.openBy())
  const agents = new AgentService({ hub, clientIdOf: place => clients.idOf(place), metrics, now: Date.now })
  return {
    agents,
    addRoutes: http => agentRoutes(http, agents),
    part: { name: 'agents', stop: () => agents.stop() },
  }
}
