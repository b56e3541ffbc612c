/** What was done on this page and is not settled yet: shown in its lists whatever the server answers meanwhile. */
import type { MailPage } from '../mail/mail-row.ts'
import { isNeeded, type Patch, type PatchedList, type PatchSet } from './row-patches.ts'

/** After the mail server has done it, lists may lag behind for so long; then they are right. */
const lagMs = 30_000

interface Pending extends PatchSet {
  id: string
  /** When it was settled, by the clock of this machine. */
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

  /** The same one while nothing changes. */
  readonly getSnapshot = (): readonly PatchSet[] => this.#sets

  add(id: string, set: PatchSet): void {
    this.remove(id)
    this.#change([...this.#sets, { ...set, id, settledAt: undefined, timer: undefined }])
  }

  /** Shows these rows as the server has them. */
  take(id: string, keys: Iterable<string>): void {
    const gone = new Set(keys)
    const without = ({ patches }: PatchSet): ReadonlyMap<string, Patch> =>
      new Map([...patches].filter(([key]) => !gone.has(key)))
    this.#change(this.#sets.map(set => (set.id === id ? { ...set, patches: without(set) } : set)))
  }

  /** The mail server has done it: until lists show that too, or for some time. */
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

  /** Forgets what is settled and shows in a page that was asked for since. @param at When the server was asked. */
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
