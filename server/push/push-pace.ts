/**
 * When a user may be notified again: at once when it was quiet, then some seconds apart and once a minute for each group. What comes
 * meanwhile is collected, so that many requests make few notifications.
 */

export interface PaceTimes {
  /** For what comes at the same moment. */
  gatherMs: number
  /** Between two notifications of a user. */
  apartMs: number
  /** Between two of the same group. */
  groupMs: number
  /** Notifications of a user in an hour. */
  perHour: number
}

export const defaultPace: PaceTimes = { gatherMs: 200, apartMs: 15_000, groupMs: 60_000, perHour: 30 }

interface UserPace {
  /** Groups that wait to be told of; the time since when. */
  readonly waiting: Map<string, number>
  /** When the user was last told of a group. */
  readonly told: Map<string, number>
  /** Of the last hour. */
  stamps: number[]
}

const hourMs = 60 * 60_000
/** Groups that wait of one user; what is beyond is in the count of the notification anyway. */
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

  /** When the next user is due; undefined while none waits. */
  nextAt(): number | undefined {
    const times = [...this.#users.values()].map(pace => this.#dueAt(pace)).filter(time => time !== undefined)
    return times.length === 0 ? undefined : Math.min(...times)
  }

  /** The users that are due, with the groups to tell them of: they wait no more. */
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

  /** It was told: only this counts, since nothing may be left to say. */
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
