/**
 * Sanitises a model's tool calls before they are used: providers are strangers, and may request what no person could
 * review.
 */
import { Problem } from '../platform/problem.ts'
import type { ToolRequest } from './chat-model.ts'

/**
 * Tool calls collected in one step before the answer is aborted. Those beyond 16 are refused to the model; no sensible
 * one makes this many.
 */
export const mostRequests = 128
/** Depth of request bodies; no tool accepts as much. */
const deepest = 32

/** Adds a call. @throws Problem if there are too many already. */
export function addRequest(requests: ToolRequest[], request: ToolRequest, provider: string): void {
  if (requests.length >= mostRequests) {
    throw new Problem('provider_failed', `${provider} was ended after ${mostRequests} calls of tools in one step.`)
  }
  requests.push(isJson(request.input, 0) ? request : { ...request, input: null })
}

/**
 * Returns false for what JSON cannot express, such as an infinite number: it would be shown differently from what is
 * done.
 */
function isJson(value: unknown, depth: number): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return true
  return depth < deepest && Object.values(value).every(each => isJson(each, depth + 1))
}
