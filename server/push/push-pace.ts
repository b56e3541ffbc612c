/**
 * Throttles notifications per user: immediately after a quiet time, then some seconds apart and once a minute for each
 * group. Requests in between are collected into few notifications.
 */

export interface PaceTimes {
  /** Delay that gathers simultaneous requests. */
  gatherMs: number
  /** Minimum time between two notifications of a user. */
  apartMs: number
  /** Minimum time between two notifications of the same group. */
  groupMs: number
  /** Notifications of a user per hour. */
  perHour: number
}

export const defaultPace: PaceTimes = { gatherMs: 200, apartMs: 15_000, groupMs: 60_000, perHour: 30 }

interface UserPace {
  /** When each group began to wait. */
  readonly waiting: Map<string, number>
  /** When the user was last notified of each group. */
  readonly told: Map<string, number>
  /** Times of the notifications of the last hour. */
  stamps: number[]
}

const hourMs = 60 * 60_000
/** Waiting groups per user; more are ignored, since the count of the notification includes them anyway. */
const mostGroups = 100

export class PushPace {
  readonly #times: PaceTimes
  readonly #users = new Map<string, UserPace>()

  constructor(times: PaceTimes = defaultPace) {
    this.#times = times
  }

  note(userId: string, group: string, now: number): void {
    const pace = this.#users.get(userId) ?? { waiting: new Map(), told: new Map(), stamps: [] }
    this.#users.set(userId, pace)
    if (pace.waiting.size < mostGroups && !pace.waiting.has(group)) pace.waiting.set(group, now)
  }

  /** Returns when the next user is due; undefined while none waits. */
  nextAt(): number | undefined {
    const times = [...this.#users.values()].map(pace => this.#dueAt(pace)).filter(time => time !== undefined)
    return times.length === 0 ? undefined : Math.min(...times)
  }

  /** Takes the users that are due, with their groups, out of the queue. */
  take(now: number): { userId: string; groups: string[] }[] {
    const due: { userId: string; groups: string[] }[] = []
    for (const [userId, pace] of this.#users) {
      this.#forget(pace, now)
      const dueAt = this.#dueAt(pace)
      if (dueAt === undefined && pace.stamps.length === 0) this.#users.delete(userId)
      if (dueAt === undefined || dueAt > now) continue
      const groups = [...pace.waiting.keys()].filter(group => this.#groupAt(pace, group) <= now)
      for (const group of groups) pace.waiting.delete(group)
      due.push({ userId, groups })
    }
    return due
  }

  /** Records a notification; only this counts, since a user taken from the queue may have nothing left to approve. */
  told(userId: string, groups: readonly string[], now: number): void {
    const pace = this.#users.get(userId)
    if (!pace) return
    pace.stamps.push(now)
    for (const group of groups) pace.told.set(group, now)
  }

  clear(): void {
    this.#users.clear()
  }

  #dueAt(pace: UserPace): number | undefined {
    if (pace.waiting.size === 0) return undefined
    const { apartMs, perHour } = this.#times
    const last = pace.stamps.at(-1) ?? -Infinity
    const first = pace.stamps.length >= perHour ? pace.stamps.at(-perHour)! + hourMs : -Infinity
    const groups = [...pace.waiting.keys()].map(group => this.#groupAt(pace, group))
    return Math.max(last + apartMs, first, Math.min(...groups))
  }

  #groupAt(pace: UserPace, group: string): number {
    const { gatherMs, groupMs } = this.#times
    return Math.max((pace.waiting.get(group) ?? 0) + gatherMs, (pace.told.get(group) ?? -Infinity) + groupMs)
  }

  #forget(pace: UserPace, now: number): void {
    pace.stamps = pace.stamps.filter(stamp => stamp > now - hourMs)
    for (const [group, at] of pace.told) if (at <= now - this.#times.groupMs) pace.told.delete(group)
  }
}
