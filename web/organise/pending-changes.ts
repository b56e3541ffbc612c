/** Changes made on this page that are not settled yet; lists show them whatever the server returns meanwhile. */
import type { MailPage } from '../mail/mail-row.ts'
import { isNeeded, type Patch, type PatchedList, type PatchSet } from './row-patches.ts'

/** Milliseconds for which lists may lag behind the mail server; after that, they are taken as they are. */
const lagMs = 30_000

interface Pending extends PatchSet {
  id: string
  /** When the change was settled, by this machine's clock. */
  settledAt: number | undefined
  timer: ReturnType<typeof setTimeout> | undefined
}

export class PendingChanges {
  readonly #listeners = new Set<() => void>()
  #sets: readonly Pending[] = []

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Returns the current sets; the same array while nothing changes. */
  readonly getSnapshot = (): readonly PatchSet[] => this.#sets

  add(id: string, set: PatchSet): void {
    this.remove(id)
    this.#change([...this.#sets, { ...set, id, settledAt: undefined, timer: undefined }])
  }

  /** Removes rows from a change, so that they appear as on the server. */
  take(id: string, keys: Iterable<string>): void {
    const gone = new Set(keys)
    const without = ({ patches }: PatchSet): ReadonlyMap<string, Patch> =>
      new Map([...patches].filter(([key]) => !gone.has(key)))
    this.#change(this.#sets.map(set => (set.id === id ? { ...set, patches: without(set) } : set)))
  }

  /** Marks a change as done by the mail server; it is kept until lists show it, or for `lagMs`. */
  settle(id: string): void {
    const timer = setTimeout(() => this.remove(id), lagMs)
    const settledAt = Date.now()
    this.#change(this.#sets.map(set => (set.id === id ? { ...set, settledAt, timer } : set)))
  }

  remove(id: string): void {
    const set = this.#sets.find(each => each.id === id)
    if (!set) return
    clearTimeout(set.timer)
    this.#change(this.#sets.filter(each => each !== set))
  }

  /**
   * Drops settled changes that a page requested since then already shows.
   * @param at When the server was asked.
   */
  see(page: MailPage, list: PatchedList, at: number): void {
    const isDone = (set: Pending) =>
      set.settledAt !== undefined && set.settledAt < at && set.list.key === list.key && !isNeeded(page, list, set)
    for (const { id } of this.#sets.filter(isDone)) this.remove(id)
  }

  #change(sets: readonly Pending[]): void {
    this.#sets = sets
    for (const listener of this.#listeners) listener()
  }
}
