/** Where what others wrote for MCP is: packages and a Python of their own, installed beside those of RustyMail. */
import { createRequire } from 'node:module'
import { join } from 'node:path'

/** As `test/mcp-peers/install` leaves it. */
export const peersFolder = join(import.meta.dirname, '../../.mcp-peers')
export const pythonOfPeers = join(peersFolder, 'python/bin/python')
export const pythonPeer = join(import.meta.dirname, '../mcp-peers/python/client.py')
/** Holds webhooks against the rules of mcp-webhook-events. */
export const eventsPeer = join(import.meta.dirname, '../mcp-peers/python/events.py')
export const goPeer = join(peersFolder, 'go-peer')

/** A file in one of their packages. */
export function peerFile(path: string): string {
  return join(peersFolder, 'node_modules', path)
}

/** For what is imported from there: TypeScript does not know it. */
export const requireOfPeers = createRequire(join(peersFolder, 'package.json'))
