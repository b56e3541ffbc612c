/**
 * Messages that our own moves and copies brought into folders, as reported by the mail server (COPYUID, RFC 4315), so
 * that they need not be fetched. In memory only: unknown ones are fetched.
 */
import { rangesOfUids, type UidRange } from '../imap/uid-ranges.ts'

export interface KnownArrival {
  uid: number
  /** Id of the message in the index. */
  id: string
}

/** Messages remembered per account; above it the oldest folders are forgotten. */
const most = 20_000

export class KnownArrivals {
  /** Message ids by UIDVALIDITY and path, then by UID. */
  readonly #folders = new Map<string, Map<number, string>>()
  #count = 0

  /** @param uidValidity The UIDVALIDITY that the mail server reported with the UIDs. */
  add(path: string, uidValidity: number, arrivals: readonly KnownArrival[]): void {
    const key = keyOf(path, uidValidity)
    const known = this.#folders.get(key) ?? new Map<number, string>()
    this.#count -= known.size
    for (const { uid, id } of arrivals) known.set(uid, id)
    this.#count += known.size
    this.#folders.delete(key)
    if (known.size > 0) this.#folders.set(key, known)
    for (const [oldest, { size }] of this.#folders) {
      if (this.#count <= most) break
      this.#folders.delete(oldest)
      this.#count -= size
    }
  }

  /** Returns the known UIDs from `from` up to, but excluding, `end`. */
  ranges(path: string, uidValidity: number, from: number, end: number): UidRange[] {
    const known = this.#folders.get(keyOf(path, uidValidity))
    return known ? rangesOfUids([...known.keys()].filter(uid => uid >= from && uid < end)) : []
  }

  idAt(path: string, uidValidity: number, uid: number): string | undefined {
    return this.#folders.get(keyOf(path, uidValidity))?.get(uid)
  }

  /** Forgets UIDs below `next`, up to which the folder was read. */
  readUpTo(path: string, uidValidity: number, next: number): void {
    const key = keyOf(path, uidValidity)
    const known = this.#folders.get(key)
    for (const uid of [...(known?.keys() ?? [])]) if (uid < next && known!.delete(uid)) this.#count--
    if (known?.size === 0) this.#folders.delete(key)
  }

  /** Forgets everything, since folders were renamed or replaced. */
  forget(): void {
    this.#folders.clear()
    this.#count = 0
  }
}

function keyOf(path: string, uidValidity: number): string {
  return `${uidValidity}:${path}`
}
