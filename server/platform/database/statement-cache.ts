/** Caches prepared SQLite statements by text, and checks the values bound to them. */
import type { SQLInputValue } from 'node:sqlite'

/** Statements cached, more than this program has; when full, the oldest is evicted. */
const cacheSize = 500

export class StatementCache<Statement> {
  readonly #prepare: (sql: string) => Statement
  readonly #kept = new Map<string, Statement>()

  constructor(prepare: (sql: string) => Statement) {
    this.#prepare = prepare
  }

  get(sql: string): Statement {
    const known = this.#kept.get(sql)
    if (known !== undefined) return known
    const statement = this.#prepare(sql)
    if (!isKept(sql)) return statement
    if (this.#kept.size >= cacheSize) this.#kept.delete(this.#kept.keys().next().value!)
    this.#kept.set(sql, statement)
    return statement
  }

  clear(): void {
    this.#kept.clear()
  }
}

/** Whether a statement changes the schema, which makes cached statements stale. */
export function changesSchema(sql: string): boolean {
  return /^\s*(create|alter|drop)\b/i.test(sql)
}

/** Whether a statement is cached: only plain reads and writes, begin and commit, as others change the schema. */
function isKept(sql: string): boolean {
  return /^\s*(select|insert|update|delete|with|begin|commit)\b/i.test(sql)
}

/** Checks a value to bind. @throws TypeError for one that node:sqlite would silently store as NULL */
export function encode(value: unknown): SQLInputValue {
  if (typeof value === 'number' || typeof value === 'string' || value === null || typeof value === 'bigint')
    return value
  if (value instanceof Uint8Array) return value
  throw new TypeError(`cannot store a ${typeof value}: stores keep text, integers, reals and null`)
}

/** Checks values without copying, since bulk inserts have thousands. @throws TypeError see `encode` */
export function encodeAll(values: readonly unknown[]): readonly SQLInputValue[] {
  for (let at = 0; at < values.length; at++) encode(values[at])
  return values as readonly SQLInputValue[]
}
