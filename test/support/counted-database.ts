/**
 * A database that records the statements of the running server, except the periodic ones of its event log, storage and
 * leases.
 */
import type { KyselyPlugin, RootOperationNode } from 'kysely'
import { expect } from 'vitest'
import { openDatabase } from '../../server/platform/database/database.ts'
import type { DatabaseObserver } from '../../server/platform/database/database-health.ts'

const byTheClock = ['events', 'event_counter', 'write_probe', 'leases']

/** Names a statement by its verb and table: `select users`, `update api_tokens`. */
export function statementOf(node: RootOperationNode): string {
  const table = /"table":\{"kind":"SchemableIdentifierNode","identifier":\{"kind":"IdentifierNode","name":"(\w+)"/.exec(
    JSON.stringify(node, (_name, value) => (typeof value === 'bigint' ? String(value) : value)),
  )
  return `${node.kind.replace('QueryNode', '').toLowerCase()} ${table?.[1] ?? 'other'}`
}

export class CountedDatabase {
  readonly statements: string[] = []
  readonly openDatabase: (observer: DatabaseObserver) => ReturnType<typeof openDatabase>

  constructor(url: string) {
    const count: KyselyPlugin = {
      transformQuery: ({ node }) => {
        const statement = statementOf(node)
        if (!byTheClock.includes(statement.split(' ')[1]!)) this.statements.push(statement)
        return node
      },
      transformResult: async ({ result }) => result,
    }
    this.openDatabase = observer => openDatabase(url, observer).withPlugin(count)
  }

  /** Waits until no further statements come: some are written after the response. */
  async quiet(): Promise<void> {
    let seen = -1
    const isQuiet = () => {
      const before = seen
      seen = this.statements.length
      return seen === before
    }
    await expect.poll(isQuiet, { interval: 30 }).toBe(true)
  }
}
