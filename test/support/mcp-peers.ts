/** Third-party MCP implementations: npm packages and a Python environment, installed separately from RustyMail's. */
import { createRequire } from 'node:module'
import { join } from 'node:path'

/** The folder that `test/mcp-peers/install` fills. */
export const peersFolder = join(import.meta.dirname, '../../.mcp-peers')
export const pythonOfPeers = join(peersFolder, 'python/bin/python')
export const pythonPeer = join(import.meta.dirname, '../mcp-peers/python/client.py')
/** Verifies webhooks against the rules of mcp-webhook-events. */
export const eventsPeer = join(import.meta.dirname, '../mcp-peers/python/events.py')
export const goPeer = join(peersFolder, 'go-peer')

/** Returns the path of a file in one of their packages. */
export function peerFile(path: string): string {
  return join(peersFolder, 'node_modules', path)
}

/** Imports their packages, which TypeScript cannot resolve. */
export const requireOfPeers = createRequire(join(peersFolder, 'package.json'))
