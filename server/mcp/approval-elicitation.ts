/**
 * Sends the human behind a client to what waits for an approval: a link that the client opens, where it can. What the client answers to that is no
 * decision, whatever it says; only the dashboard takes one. The call that comes back with the signed state is told how things stand.
 */
import { z } from 'zod'
import type { ToolResult } from '../tools/toolbox.ts'
import type { McpCallAsking, McpInputRequired, McpResult } from './mcp-port.ts'

/** What is in the signed state: what was asked about. */
const State = z.object({ waiting: z.string().max(100) })
const key = 'approval'

/** @param otherwise The same as a result, for clients that open no links, and for a call that has asked already. */
export function withApprovalLink(
  result: ToolResult,
  { capabilities, state }: Pick<McpCallAsking, 'capabilities' | 'state'>,
  otherwise: McpResult,
): McpResult | McpInputRequired {
  if (result.isError || !result.ask || state !== undefined || !opensLinks(capabilities)) return otherwise
  const { id, url, message } = result.ask
  const params = { mode: 'url' as const, message, url, elicitationId: id }
  return {
    inputRequests: { [key]: { method: 'elicitation/create', params } },
    state: { waiting: id } satisfies z.infer<typeof State>,
    otherwise,
  }
}

/** What a call that comes back asks about; undefined for one that begins. */
export function waitingIn(state: unknown): string | undefined {
  return State.safeParse(state).data?.waiting
}

function opensLinks({ elicitation }: Record<string, unknown>): boolean {
  return typeof elicitation === 'object' && elicitation !== null && 'url' in elicitation && isObject(elicitation.url)
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}
