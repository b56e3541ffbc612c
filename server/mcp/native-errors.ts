/** What went wrong in an offer, as JSON-RPC tells it. What is a bug is told without detail, and logged. */

import { missingCapability } from './input-requests.ts'
import { toMcpError } from './mcp-frames.ts'
import { mcpErrors } from './mcp-port.ts'
import type { WireError } from './native-frames.ts'

const gone: Record<number, number> = {
  // Codes of revisions before 2026, which it must not show.
  [-32_002]: mcpErrors.invalidParams,
  [-32_042]: mcpErrors.internal,
}

/** A refusal of the transport, whose status goes with it. */
export interface Refusal extends WireError {
  status: number
}

export function refusal(status: number, code: number, message: string, data?: Record<string, unknown>): Refusal {
  return { status, code, message, data }
}

/** @param onFault Told of bugs. */
export function toWireError(error: unknown, isModern: boolean, onFault: (error: Error) => void): WireError {
  const known = toMcpError(error)
  if (!known) {
    onFault(error instanceof Error ? error : new Error(String(error)))
    return { code: mcpErrors.internal, message: 'Internal error' }
  }
  const { code, message, data } = known
  return { code: (isModern ? gone[code] : undefined) ?? code, message, data }
}

/** Of an error that answers a request of 2026: most are answers like others. */
export function statusOf(code: number | undefined): number {
  if (code === mcpErrors.methodNotFound) return 404
  return code === missingCapability ? 400 : 200
}
