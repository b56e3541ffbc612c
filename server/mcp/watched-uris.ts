/** URIs of the resources that a session before 2026 subscribes to, bounded in number and in memory. */
import { McpError, mcpErrors } from './mcp-port.ts'

export const maxUris = 100
/** Characters of all URIs of a session together, since sessions are cached and folder names may be long. */
export const maxUriCharacters = 16 * 1_024

/** @throws McpError when a bound is reached. */
export function addUri(uris: Set<string>, uri: string): void {
  if (uris.has(uri)) return
  if (uris.size >= maxUris) throw noRoom(`At most ${maxUris} resources can be subscribed to.`)
  const characters = [...uris].reduce((sum, each) => sum + each.length, uri.length)
  if (characters > maxUriCharacters) {
    throw noRoom(`The subscribed URIs may have at most ${maxUriCharacters} characters in total.`)
  }
  uris.add(uri)
}

function noRoom(words: string): McpError {
  return new McpError(mcpErrors.invalidParams, words)
}
