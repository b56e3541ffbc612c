/** The index as its readers see it: what was accepted before they ask is in it. */
import type { ExpectedChanges } from './expected-changes.ts'
import { type IndexOperations, roles } from './index-operations.ts'

interface Index {
  of(accountId: string): IndexOperations
  drop(accountId: string): Promise<void>
}

const reading = (Object.keys(roles) as (keyof IndexOperations)[]).filter(name => roles[name] !== 'writes')

export function shownIndex(index: Index, expected: Pick<ExpectedChanges, 'of'>): Index {
  /** By what is behind them, which is the same for an account as long as it has its index. */
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
