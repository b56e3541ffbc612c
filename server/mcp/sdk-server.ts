/**
 * The SDK's `Server` with its validation errors in plain words: it answers wrong parameters with a dump of zod's issues,
 * and those of most methods as an internal error.
 */
import { ProtocolError, Server } from '@modelcontextprotocol/server'
import type { z } from 'zod'
import { faultWords } from '../platform/fault-words.ts'
import { mcpErrors } from './mcp-port.ts'

type Wrap = Server['_wrapHandler']

export class PlainServer extends Server {
  protected override _wrapHandler(...[method, handler]: Parameters<Wrap>): ReturnType<Wrap> {
    const wrapped = super._wrapHandler(method, handler)
    return async (request, context) => {
      try {
        return await wrapped(request, context)
      } catch (error) {
        throw toInvalidParams(error) ?? error
      }
    }
  }
}

/** The issues are the message, or its end: `Invalid tools/call request: [ … ]`. */
const issuesIn = /^(?:Invalid \S+ request: )?(\[\s*\{[\s\S]*\}\s*\])$/
const maxWords = 500

/** Returns the error for the client, if the SDK could not validate its request. */
export function toInvalidParams(error: unknown): ProtocolError | undefined {
  const [, json] = (error instanceof Error && issuesIn.exec(error.message)) || []
  if (json === undefined) return undefined
  const words = issuesOf(json).map(issue => `${placeOf(issue)} ${wordsOf(issue)}`)
  return new ProtocolError(mcpErrors.invalidParams, `Invalid params: ${words.join('; ').slice(0, maxWords)}`)
}

function issuesOf(json: string): z.core.$ZodIssue[] {
  try {
    return JSON.parse(json) as z.core.$ZodIssue[]
  } catch {
    return []
  }
}

function placeOf({ path }: z.core.$ZodIssue): string {
  return (
    path
      .filter((part, at) => at > 0 || part !== 'params')
      .map(String)
      .join('.') || 'the params'
  )
}

/** The input is not part of an issue any more, but its message still says whether there was one. */
function wordsOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_union') return 'must have one of the forms that MCP allows'
  const input = /received undefined$/.test(issue.message) ? undefined : null
  return faultWords({ ...issue, input } as z.core.$ZodRawIssue) ?? 'is invalid'
}
