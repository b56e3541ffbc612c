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
    const ask = async (name: string, text: string, values: unknown[]) => {
      try {
        return await plain({ name, text, values })
      } catch (error) {
        if (error instanceof Error && 'code' in error && stale.has(error.code)) this.#giveUp(client, error.code)
        throw error
      }
    }
    const query = (text: string | QueryConfig, values?: unknown[]) => {
      const name = typeof text === 'string' && values && !this.#isGivenUp ? names.get(text) : undefined
      const asked = name === undefined ? plain(text, values) : ask(name, text as string, values!)
      endWhenFatal(client, asked)
      return asked
    }
    Object.assign(client, { query })
  }

  /** Its transaction has failed already; the next one gets another connection. */
  #giveUp(client: PoolClient, code: unknown): void {
    // Tables that were made again are known to a new connection.
    this.#isGivenUp ||= code !== '0A000'
    ;(client as PoolClient & Pick<Client, 'end'>).end().catch(() => undefined)
  }
}

/**
 * PostgreSQL ends a connection behind a fatal error, and the socket tells that later: lent again in between, it would fail the next one. One that is ending
 * is taken out of the pool when it is given back.
 */
function endWhenFatal(client: PoolClient, asked: Promise<unknown>): void {
  asked.catch?.((error: unknown) => {
    if (!(error instanceof Error && 'severity' in error && error.severity === 'FATAL')) return
    ;(client as PoolClient & Pick<Client, 'end'>).end().catch(() => undefined)
  })
}

type Ask = (text: string | QueryConfig, values?: unknown[]) => Promise<QueryResult>
