/** SQLite statements kept ready by their text, and what may be stored with them. */
import type { SQLInputValue } from 'node:sqlite'

/** More than a program of this size has. When full, the oldest is evicted. */
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

/** Then what was kept may be stale. */
export function changesSchema(sql: string): boolean {
  return /^\s*(create|alter|drop)\b/i.test(sql)
}

/** A schema change makes kept statements stale: only plain reads and writes are kept, and what they stand between. */
function isKept(sql: string): boolean {
  return /^\s*(select|insert|update|delete|with|begin|commit)\b/i.test(sql)
}

/** @throws TypeError for what node:sqlite would silently store as NULL. */
export function encode(value: unknown): SQLInputValue {
  if (typeof value === 'number' || typeof value === 'string' || value === null || typeof value === 'bigint')
    return value
  if (value instanceof Uint8Array) return value
  throw new TypeError(`cannot store a ${typeof value}: stores keep text, integers, reals and null`)
}

/** What is given itself: a statement of many rows has thousands of values. @throws TypeError as `encode` */
export function encodeAll(values: readonly unknown[]): readonly SQLInputValue[] {
  for (let at = 0; at < values.length; at++) encode(values[at])
  return values as readonly SQLInputValue[]
}
