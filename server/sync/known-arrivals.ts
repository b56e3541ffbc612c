/**
 * Which messages came into a folder by a move or copy of ours, as the mail server said it (COPYUID, RFC 4315): they are known, and need not be
 * read to find out which ones they are. In memory alone: what is not known here is read.
 */
import { rangesOfUids, type UidRange } from '../imap/uid-ranges.ts'

export interface KnownArrival {
  uid: number
  /** Of the index. */
  id: string
}

/** Of an account. The oldest folders are forgotten first. */
const most = 20_000

export class KnownArrivals {
  /** By UIDVALIDITY and path; each by UID. */
  readonly #folders = new Map<string, Map<number, string>>()
  #count = 0

  /** @param uidValidity As the mail server said it with the UIDs. */
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

  /** From a UID on and below another one, rising. */
  ranges(path: string, uidValidity: number, from: number, end: number): UidRange[] {
    const known = this.#folders.get(keyOf(path, uidValidity))
    return known ? rangesOfUids([...known.keys()].filter(uid => uid >= from && uid < end)) : []
  }

  idAt(path: string, uidValidity: number, uid: number): string | undefined {
    return this.#folders.get(keyOf(path, uidValidity))?.get(uid)
  }

  /** The folder was read up to here. */
  readUpTo(path: string, uidValidity: number, next: number): void {
    const key = keyOf(path, uidValidity)
    const known = this.#folders.get(key)
    for (const uid of [...(known?.keys() ?? [])]) if (uid < next && known!.delete(uid)) this.#count--
    if (known?.size === 0) this.#folders.delete(key)
  }

  /** Folders have other names, or are others under the names that they had. */
  forget(): void {
    this.#folders.clear()
    this.#count = 0
  }
}

function keyOf(path: string, uidValidity: number): string {
  return `${uidValidity}:${path}`
}
