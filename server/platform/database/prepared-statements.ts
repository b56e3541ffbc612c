/**
 * Statements that PostgreSQL keeps prepared on a connection: to parse and plan a short one takes it as long as to carry it out, or longer. Only those whose
 * texts are few, and whose plan does not depend on their values, are to be named here.
 */
import { hash } from 'node:crypto'
import type { Client, PoolClient, QueryConfig, QueryResult } from 'pg'

/** More than this program has; a connection keeps them until it ends. */
const mostNames = 200
const names = new Map<string, string>()

/**
 * From now on, in this thread. What is beyond the bound is sent unprepared. Its name says what it is: by a number, another thread or program that a pooler
 * lends the same connection would run a statement of ours for its own, without an error.
 */
export function keepPrepared(text: string): void {
  if (!names.has(text) && names.size < mostNames) names.set(text, `kept_${hash('sha256', text, 'hex').slice(0, 32)}`)
}

/** SQLSTATE of what a connection says that is not the one that prepared them, or whose tables were made again meanwhile. */
const stale: ReadonlySet<unknown> = new Set(['26000', '42P05', '0A000'])

/** Whether statements are prepared: given up for good where connections are shared behind our back. */
export class PreparedStatements {
  #isGivenUp = false

  /** Of a connection that was opened just now. */
  use(client: PoolClient): void {
    const plain = client.query.bind(client) as unknown as Ask
    let broken: Error | undefined
    const end = (reason: Error) => {
      broken ??= reason
      ;(client as PoolClient & Pick<Client, 'end'>).end().catch(() => undefined)
    }
    // Between two questions of a transaction.
    client.on('error', error => {
      broken ??= error
    })
    const named = async (name: string, text: string, values: unknown[]) => {
      try {
        return (await plain({ name, text, values })) as QueryResult
      } catch (error) {
        if (error instanceof Error && 'code' in error && stale.has(error.code)) {
          // Tables that were made again are known to a new connection.
          this.#isGivenUp ||= error.code !== '0A000'
          // Its transaction has failed already; the next one gets another connection.
          end(error)
        }
        throw error
      }
    }
    const query: Ask = (text, values, ...rest) => {
      // Whatever answers by a callback, or by itself, is left to the driver.
      if (typeof values === 'function' || rest.length > 0) return plain(text, values, ...rest)
      // The end of a transaction that failed: else it would be told in place of the reason.
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
 * PostgreSQL ends a connection behind such an error, and the socket tells that later: lent again in between, it would fail the next one. One that is ending
 * is taken out of the pool when it is given back.
 */
function isFatal(error: unknown): error is Error {
  return error instanceof Error && 'severity' in error && error.severity === 'FATAL'
}

/** Undefined where a callback is given. */
type Ask = (text: string | QueryConfig, values?: unknown, ...rest: unknown[]) => Promise<QueryResult> | undefined
