/**
 * Statements that PostgreSQL keeps prepared per connection: parsing and planning a short one takes as long as running
 * it, or longer. To be used only for few distinct texts, whose plans do not depend on their values.
 */
import { hash } from 'node:crypto'
import type { Client, PoolClient, QueryConfig, QueryResult } from 'pg'

/** Upper bound on prepared statements, which a connection keeps until it ends; more than this program has. */
const mostNames = 200
const names = new Map<string, string>()

/**
 * Prepares a statement from now on, in this thread; beyond the bound it is sent unprepared. Names are hashes of texts:
 * with numbers, another thread or program that shares the connection through a pooler could silently run our statement
 * instead of its own.
 */
export function keepPrepared(text: string): void {
  if (!names.has(text) && names.size < mostNames) names.set(text, `kept_${hash('sha256', text, 'hex').slice(0, 32)}`)
}

/** SQLSTATEs of stale prepared statements: it is another connection behind a pooler, or tables were recreated. */
const stale: ReadonlySet<unknown> = new Set(['26000', '42P05', '0A000'])

/** Prepares statements on connections; disabled for good once a pooler turns out to share them. */
export class PreparedStatements {
  #isGivenUp = false

  /** Patches a connection that was just opened. */
  use(client: PoolClient): void {
    const plain = client.query.bind(client) as unknown as Ask
    let broken: Error | undefined
    const end = (reason: Error) => {
      broken ??= reason
      ;(client as PoolClient & Pick<Client, 'end'>).end().catch(() => undefined)
    }
    // Emitted between two queries of a transaction.
    client.on('error', error => {
      broken ??= error
    })
    const named = async (name: string, text: string, values: unknown[]) => {
      try {
        return (await plain({ name, text, values })) as QueryResult
      } catch (error) {
        if (error instanceof Error && 'code' in error && stale.has(error.code)) {
          // For recreated tables (0A000), a new connection is enough.
          this.#isGivenUp ||= error.code !== '0A000'
          // The transaction has failed already; the next one gets another connection.
          end(error)
        }
        throw error
      }
    }
    const query: Ask = (text, values, ...rest) => {
      // Calls with a callback or a query object are passed to the driver.
      if (typeof values === 'function' || rest.length > 0) return plain(text, values, ...rest)
      // A rollback on a broken connection rejects with the original reason, not with its own error.
      if (broken) return Promise.reject(broken)
      const name = typeof text === 'string' && Array.isArray(values) && !this.#isGivenUp ? names.get(text) : undefined
      const asked = name === undefined ? plain(text, values) : named(name, text as string, values as unknown[])
      if (asked instanceof Promise) asked.catch(error => isFatal(error) && end(error))
      return asked
    }
    Object.assign(client, { query })
  }
}

/**
 * Whether PostgreSQL ends the connection after this error. The socket reports that later: reused in between, the
 * connection would fail its next user. A connection that is ending is removed from the pool when it is released.
 */
function isFatal(error: unknown): error is Error {
  return error instanceof Error && 'severity' in error && error.severity === 'FATAL'
}

/** Signature of `query`; returns undefined if a callback is given. */
type Ask = (text: string | QueryConfig, values?: unknown, ...rest: unknown[]) => Promise<QueryResult> | undefined
