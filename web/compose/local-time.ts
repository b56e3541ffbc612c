/** A time as the browser's field for day and time wants it. */

export function localValue(at: Date): string {
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, 16)
}

/** Of the time to undo: never more than was set, whatever the two clocks and the second that has begun say. */
export function secondsLeft(
  { created_at: from, send_at: to }: { created_at: string; send_at: string | null },
  leftMs: number,
): number {
  const left = Math.ceil(leftMs / 1_000)
  return to === null ? left : Math.min(left, Math.round((Date.parse(to) - Date.parse(from)) / 1_000))
}
