/** Wraps the index so that reads wait until accepted changes are written to it (read-your-writes). */
import type { ExpectedChanges } from './expected-changes.ts'
import { type IndexOperations, roles } from './index-operations.ts'

interface Index {
  of(accountId: string): IndexOperations
  drop(accountId: string): Promise<void>
}

const reading = (Object.keys(roles) as (keyof IndexOperations)[]).filter(name => roles[name] !== 'writes')

export function shownIndex(index: Index, expected: Pick<ExpectedChanges, 'of'>): Index {
  /** Wrapped operations by the originals, which stay the same for an account until its index is dropped. */
  const shown = new WeakMap<IndexOperations, IndexOperations>()
  return {
    drop: accountId => index.drop(accountId),
    of: accountId => {
      const operations = index.of(accountId)
      const known = shown.get(operations)
      if (known) return known
      const waiting = reading.map(name => {
        const read = operations[name] as (...given: unknown[]) => Promise<unknown>
        const readShown = async (...given: unknown[]) => {
          await expected.of(accountId).written()
          return read(...given)
        }
        return [name, readShown]
      })
      const all = Object.freeze({ ...operations, ...Object.fromEntries(waiting) }) as IndexOperations
      shown.set(operations, all)
      return all
    },
  }
}
