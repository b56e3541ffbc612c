/** URIs of the resources that a session before 2026 wants to hear of: bounded in number, and in what they take of memory together. */
import { McpError, mcpErrors } from './mcp-port.ts'

export const maxUris = 100
/** Of all of a session together: sessions are remembered, and names of folders may be long. */
export const maxUriCharacters = 16 * 1_024

/** @throws McpError when there is no room for it. */
export function addUri(uris: Set<string>, uri: string): void {
  if (uris.has(uri)) return
  if (uris.size >= maxUris) throw noRoom(`At most ${maxUris} resources can be subscribed to.`)
  const characters = [...uris].reduce((sum, each) => sum + each.length, uri.length)
  if (characters > maxUriCharacters) {
    throw noRoom(`The URIs of the resources that are subscribed to can have ${maxUriCharacters} characters together.`)
  }
  uris.add(uri)
}

function noRoom(words: string): McpError {
  return new McpError(mcpErrors.invalidParams, words)
}
