/** What a model asks of tools, before anything is made of it: providers are strangers, and may ask for what no person could look at. */
import { Problem } from '../platform/problem.ts'
import type { ToolRequest } from './chat-model.ts'

/** In one step. Of those beyond 16 the model is told that they are too many; nobody means this many. */
export const mostRequests = 128
/** Of the bodies that people send; no tool takes as much. */
const deepest = 32

/** @throws Problem where there are too many already. */
export function addRequest(requests: ToolRequest[], request: ToolRequest, provider: string): void {
  if (requests.length >= mostRequests) {
    throw new Problem('provider_failed', `${provider} was ended after ${mostRequests} calls of tools in one step.`)
  }
  requests.push(isJson(request.input, 0) ? request : { ...request, input: null })
}

/** What JSON cannot say, such as a number without an end, would be shown as something else than what is done. */
function isJson(value: unknown, depth: number): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return true
  return depth < deepest && Object.values(value).every(each => isJson(each, depth + 1))
}
