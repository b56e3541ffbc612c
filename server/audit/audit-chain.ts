/** The cryptography of the trail: a hash from entry to entry, a seal on its two ends, and digests of inputs. */
import { createHmac, createSecretKey, hash, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { SecretBox } from '../platform/secret-box.ts'
import type { AuditChainRow, AuditRow } from './audit-tables.ts'

/** The places where the trail begins and ends. */
export type TrailEnds = Omit<AuditChainRow, 'id' | 'seal'>

/** A place in the trail; number 0 and an empty hash before the first entry. */
export interface TrailPlace {
  readonly number: number
  readonly hash: string
}

/** Replaces a seal that was found wrong, permanently: later entries must not make the trail look intact again. */
export const brokenSeal = 'broken'

/** Columns in the order of their names, as in canonical JSON. */
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
  /** The last sealed ends, cached, since they are mostly checked as they were left. */
  #last = { text: '', seal: '' }

  constructor(secrets: Pick<SecretBox, 'derive'>) {
    // Key objects are created once: from plain bytes, Node would create one for each entry.
    const keyFor = (use: string) => createSecretKey(secrets.derive(use))
    this.#sealKey = keyFor('audit ends v2')
    this.#earlierSealKey = keyFor('audit seal')
    this.#digestKey = keyFor('audit input')
  }

  /**
   * Returns the SHA-256, in hex, over the hash of the previous entry and the entry as canonical JSON without its own
   * hash. An export writes entries in the same form, so that a reader of a full export can verify the chain without the
   * database.
   */
  hash(before: string, row: Omit<AuditRow, 'hash'>): string {
    // `refs` is canonical JSON already.
    const members = columns.map(name => `"${name}":${name === 'refs' ? row.refs : JSON.stringify(row[name])}`)
    return hash('sha256', `${before}{${members.join(',')}}`, 'hex')
  }

  /** Numbers and hashes the entries that follow a place. */
  link(place: TrailPlace, rows: readonly Omit<AuditRow, 'number' | 'hash'>[]): AuditRow[] {
    let { number, hash } = place
    return rows.map(row => {
      const entry = { ...row, number: ++number }
      hash = this.hash(hash, entry)
      return { ...entry, hash }
    })
  }

  /** Returns true if exactly these entries were written after a place. */
  isLinked(place: TrailPlace, rows: readonly AuditRow[]): boolean {
    let { number, hash } = place
    return rows.every(row => {
      const isNext = row.number === ++number && row.hash === this.hash(hash, row)
      hash = row.hash
      return isNext
    })
  }

  /**
   * Returns the HMAC-SHA-256 of the ends, with the version of their form: without the key they can neither be moved nor
   * converted to an earlier form.
   */
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

  /** Checks the form from before trails had an id, which only the first start after the upgrade accepts. */
  isSealedEarlier({ trail_id, newest, newest_hash, forgotten_to, forgotten_hash, seal }: AuditChainRow): boolean {
    const text = JSON.stringify([newest, newest_hash, forgotten_to, forgotten_hash])
    return trail_id === '' && isEqual(seal, createHmac('sha256', this.#earlierSealKey).update(text).digest('hex'))
  }

  /**
   * Returns the HMAC-SHA-256 of the canonical JSON: equal inputs are recognised, and none can be guessed without the
   * key.
   */
  digest(input: unknown): string {
    return createHmac('sha256', this.#digestKey).update(canonicalJson(input)).digest('hex')
  }
}

export function isEqual(given: string, wanted: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(wanted)]
  return one.length === other.length && timingSafeEqual(one, other)
}

/** Depth beyond which values count as equal; no input of ours is nested as deeply. */
const maxDepth = 100

/**
 * Returns canonical JSON, so that equal values always give the same text: keys sorted by UTF-16 units, no white space,
 * as in RFC 8785.
 */
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
