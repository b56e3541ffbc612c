/** Parses one line of the stdio transport; it may contain no more than a body over HTTP. */
import { faultOfValue } from '../platform/http/json-fault.ts'
import { mcpErrors } from './mcp-port.ts'

type Parsed = { message: unknown } | { code: number; words: string }

/** @param line Bytes without the line end. */
export function parseLine(line: Uint8Array): Parsed {
  let message: unknown
  try {
    message = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line))
  } catch (error) {
    const words = error instanceof SyntaxError ? 'the line is not JSON' : 'the line is not UTF-8'
    return { code: mcpErrors.parse, words: `Parse error: ${words}.` }
  }
  const fault = faultOfValue(message)
  return fault ? { code: mcpErrors.invalidRequest, words: `Invalid Request: ${fault.message}` } : { message }
}
