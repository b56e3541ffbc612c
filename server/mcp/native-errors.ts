/** Translates errors of an offer to JSON-RPC. Bugs are answered without detail, and logged. */

import { missingCapability } from './input-requests.ts'
import { toMcpError } from './mcp-frames.ts'
import { mcpErrors } from './mcp-port.ts'
import type { WireError } from './native-frames.ts'

const gone: Record<number, number> = {
  // Codes from before 2026 that revision 2026-07-28 must not use, with their replacements.
  [-32_002]: mcpErrors.invalidParams,
  [-32_042]: mcpErrors.internal,
}

/** A refusal by the transport, with its HTTP status. */
export interface Refusal extends WireError {
  status: number
}

export function refusal(status: number, code: number, message: string, data?: Record<string, unknown>): Refusal {
  return { status, code, message, data }
}

/** @param onFault Called with bugs. */
export function toWireError(error: unknown, isModern: boolean, onFault: (error: Error) => void): WireError {
  const known = toMcpError(error)
  if (!known) {
    onFault(error instanceof Error ? error : new Error(String(error)))
    return { code: mcpErrors.internal, message: 'Internal error' }
  }
  const { code, message, data } = known
  return { code: (isModern ? gone[code] : undefined) ?? code, message, data }
}

/** Returns the HTTP status of an answer in 2026: most errors are ordinary answers. */
export function statusOf(code: number | undefined): number {
  if (code === mcpErrors.methodNotFound) return 404
  return code === missingCapability ? 400 : 200
}
