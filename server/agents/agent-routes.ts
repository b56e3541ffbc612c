/** GET /api/dashboard/agents and /agents/calls. */
import { api } from '../../contract/index.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { AgentService } from './agent-service.ts'

export function agentRoutes(http: HttpServer, agents: AgentService): void {
  handle(http, api.agents.listAgents, ({ principal }) => agents.list(principal))
  handle(http, api.agents.listAgentCalls, ({ principal, query }) => ({ items: agents.listCalls(principal, query) }))
}
