/** Lets ImapFlow say the word NIL: where it is not quoted, servers take it for nothing at all, and refuse. */
import type { ImapFlow } from 'imapflow'

/** What every command of it goes through; its types do not show it. */
interface Executing {
  exec(command: string, attributes: unknown, options?: unknown): Promise<unknown>
}

/** @param client What means nothing to it is `null` there: an atom is always somebody's word. */
export function quoteNil(client: ImapFlow): void {
  const inside = client as ImapFlow & Executing
  const exec = inside.exec.bind(client)
  inside.exec = (command, attributes, options) => exec(command, quoted(attributes), options)
}

function quoted(attribute: unknown): unknown {
  if (Array.isArray(attribute)) return attribute.map(quoted)
  if (typeof attribute !== 'object' || attribute === null || !('type' in attribute && 'value' in attribute)) {
    return attribute
  }
  const isNil = typeof attribute.value === 'string' && attribute.value.toUpperCase() === 'NIL'
  return isNil && attribute.type === 'ATOM' ? { ...attribute, type: 'STRING' } : attribute
}
