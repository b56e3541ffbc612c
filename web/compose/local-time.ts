/** Converts times to and from the value of a `datetime-local` input. */

export function localValue(at: Date): string {
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, 16)
}

/** Returns the seconds left to undo, at most as many as configured, despite clock differences and rounding. */
export function secondsLeft(
  { created_at: from, send_at: to }: { created_at: string; send_at: string | null },
  leftMs: number,
): number {
  const left = Math.ceil(leftMs / 1_000)
  return to === null ? left : Math.min(left, Math.round((Date.parse(to) - Date.parse(from)) / 1_000))
}
