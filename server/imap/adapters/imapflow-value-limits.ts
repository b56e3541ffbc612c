/** How much of each list in a row of FETCH is kept. */

export interface ValueLimits {
  kind: 'envelope' | 'structure' | 'other'
  maxBytes: number
  maxTokens: number
  /** Addresses of each list, or parts in all. */
  maxEntries: number
  /** Lists deeper than this are NIL. */
  maxDepth: number
  /** Bytes of a string beside the lists (a subject), and in them. */
  maxTopString: number
  maxString: number
}

/** Ordinary mail stays far below: a part takes some 150 bytes and 20 tokens, an address 50 bytes and 5 tokens. */
const limits: ReadonlyMap<string, ValueLimits> = new Map([
  ['ENVELOPE', of('envelope', { maxBytes: 64 * 1024, maxTokens: 4_000, maxTopString: 12 * 1024, maxString: 1024 })],
  ['BODYSTRUCTURE', of('structure', { maxBytes: 64 * 1024, maxTokens: 6_000, maxEntries: 200, maxString: 2048 })],
])
export const otherLimits = of('other', {})

function of(kind: ValueLimits['kind'], limits: Partial<ValueLimits>): ValueLimits {
  const [maxTopString, maxString] = [1024, 1024]
  return { kind, maxBytes: 8192, maxTokens: 500, maxEntries: 100, maxDepth: 55, maxTopString, maxString, ...limits }
}

export function limitsOf(item: string): ValueLimits {
  return limits.get(item) ?? otherLimits
}
