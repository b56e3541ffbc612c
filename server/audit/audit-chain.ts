/** What holds the trail together: a hash from entry to entry, a seal on its two ends, and digests of what was sent. */
import { createHmac, createSecretKey, hash, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { SecretBox } from '../platform/secret-box.ts'
import type { AuditChainRow, AuditRow } from './audit-tables.ts'

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
  readonly #sealKey: KeyObject
  readonly #earlierSealKey: KeyObject
  readonly #digestKey: KeyObject
  /** Most ends are found as they were left. */
  #last = { text: '', seal: '' }

  constructor(secrets: Pick<SecretBox, 'derive'>) {
    // Made once: from plain bytes, Node would make each again for each entry.
    const keyFor = (use: string) => createSecretKey(secrets.derive(use))
    this.#sealKey = keyFor('audit ends v2')
    this.#earlierSealKey = keyFor('audit seal')
    this.#digestKey = keyFor('audit input')
  }

  /**
   * SHA-256, in hex, over the hash of the entry before and the entry as canonical JSON without its own hash. That is how an export
   * writes it too, so that a reader of an export of all entries can follow the chain without the database.
   */
  hash(before: string, row: Omit<AuditRow, 'hash'>): string {
    // `refs` is canonical JSON already.
    const members = columns.map(name => `"${name}":${name === 'refs' ? row.refs : JSON.stringify(row[name])}`)
    return hash('sha256', `${before}{${members.join(',')}}`, 'hex')
  }

  /** The entries that follow a place. */
  link(place: TrailPlace, rows: readonly Omit<AuditRow, 'number' | 'hash'>[]): AuditRow[] {
    let { number, hash } = place
    return rows.map(row => {
      const entry = { ...row, number: ++number }
      hash = this.hash(hash, entry)
      return { ...entry, hash }
    })
  }

  /** Whether these are just what followed a place when it was written. */
  isLinked(place: TrailPlace, rows: readonly AuditRow[]): boolean {
    let { number, hash } = place
    return rows.every(row => {
      const isNext = row.number === ++number && row.hash === this.hash(hash, row)
      hash = row.hash
      return isNext
    })
  }

  /** HMAC-SHA-256 of the ends, with the version of their form: without the key they cannot be moved, nor brought into an earlier form. */
  seal(ends: TrailEnds): string {
    const { trail_id, begun_at, newest, newest_hash, forgotten_to, forgotten_hash, head_number } = ends
    const text = JSON.stringify([trail_id, begun_at, newest, newest_hash, forgotten_to, forgotten_hash, head_number])
    if (text !== this.#last.text) {
      this.#last = { text, seal: `v2.${createHmac('sha256', this.#sealKey).update(text).digest('hex')}` }
    }
    return this.#last.seal
  }

  isSealed(row: AuditChainRow): boolean {
    return row.trail_id !== '' && isEqual(row.seal, this.seal(row))
  }

  /** The form from before trails had an id; only the first start after it may take it. */
  isSealedEarlier({ trail_id, newest, newest_hash, forgotten_to, forgotten_hash, seal }: AuditChainRow): boolean {
    const text = JSON.stringify([newest, newest_hash, forgotten_to, forgotten_hash])
    return trail_id === '' && isEqual(seal, createHmac('sha256', this.#earlierSealKey).update(text).digest('hex'))
  }

  /** HMAC-SHA-256 of the canonical JSON: equal inputs are recognised, and none can be guessed without the key. */
  digest(input: unknown): string {
    return createHmac('sha256', this.#digestKey).update(canonicalJson(input)).digest('hex')
  }
}

export function isEqual(given: string, wanted: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(wanted)]
  return one.length === other.length && timingSafeEqual(one, other)
}

/** What is nested deeper counts as the same; no input of ours is. */
const maxDepth = 100

/** JSON in one spelling, so that the same value always gives the same text: keys in the order of their UTF-16 units, no blanks, as in RFC 8785. */
export function canonicalJson(value: unknown, depth = 0): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (depth === maxDepth) return '"…"'
  if (Array.isArray(value)) return `[${value.map(item => canonicalJson(item, depth + 1)).join(',')}]`
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member, depth + 1)}`)
  return `{${members.join(',')}}`
}
