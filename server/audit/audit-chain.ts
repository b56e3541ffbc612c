/** What holds the trail together: a hash from entry to entry, a seal on its two ends, and digests of what was sent. */
import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import type { AuditChainRow, AuditRow } from '../platform/database/tables.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import { canonicalJson } from './canonical-json.ts'

/** Where the trail begins and ends. */
export type TrailEnds = Omit<AuditChainRow, 'id' | 'seal'>

/** One place in the trail; number 0 and no hash before the first entry. */
export interface TrailPlace {
  readonly number: number
  readonly hash: string
}

/** Stands where a seal was found wrong, and stays: what comes after must not make it look whole again. */
export const brokenSeal = 'broken'

/** In the order of their names, as canonical JSON has them. */
const columns = [
  'account_id',
  'at',
  'duration_ms',
  'effect',
  'input_digest',
  'ip_address',
  'number',
  'operation',
  'outcome',
  'principal_id',
  'principal_name',
  'refs',
  'request_id',
  'session_id',
  'status',
  'token_id',
  'user_agent',
  'user_id',
] as const satisfies (keyof AuditRow)[]

export class AuditChain {
  readonly #sealKey: Buffer
  readonly #digestKey: Buffer

  constructor(secrets: Pick<SecretBox, 'derive'>) {
    this.#sealKey = secrets.derive('audit seal')
    this.#digestKey = secrets.derive('audit input')
  }

  /**
   * SHA-256, in hex, over the hash of the entry before and the entry as canonical JSON without its own hash. That is how an export
   * writes it too, so that who has an export of all entries can follow the chain without the database.
   */
  hash(before: string, row: Omit<AuditRow, 'hash'>): string {
    // `refs` is canonical JSON already.
    const members = columns.map(name => `"${name}":${name === 'refs' ? row.refs : JSON.stringify(row[name])}`)
    return hash('sha256', `${before}{${members.join(',')}}`, 'hex')
  }

  /** HMAC-SHA-256 of the ends: without the key they cannot be moved. */
  seal({ newest, newest_hash, forgotten_to, forgotten_hash }: TrailEnds): string {
    const ends = JSON.stringify([newest, newest_hash, forgotten_to, forgotten_hash])
    return createHmac('sha256', this.#sealKey).update(ends).digest('hex')
  }

  isSealed(row: AuditChainRow): boolean {
    const [wanted, given] = [Buffer.from(this.seal(row)), Buffer.from(row.seal)]
    return given.length === wanted.length && timingSafeEqual(given, wanted)
  }

  /** HMAC-SHA-256 of the canonical JSON: equal inputs are recognised, and none can be guessed without the key. */
  digest(input: unknown): string {
    return createHmac('sha256', this.#digestKey).update(canonicalJson(input)).digest('hex')
  }
}
