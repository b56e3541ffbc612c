/** Labels of the time axis: hour, day or month, depending on the distance of the ticks. */

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const seconds = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const month = new Intl.DateTimeFormat('en-GB', { month: 'short', year: 'numeric' })

const daySeconds = 86_400

/** @param splits Sorted epoch seconds. */
export function timeLabels(splits: readonly number[], from: number, to: number): string[] {
  const apart = (splits[1] ?? to) - (splits[0] ?? from)
  return splits.map((at, place) => {
    const date = new Date(at * 1000)
    if (apart >= 28 * daySeconds) return month.format(date)
    if (apart >= daySeconds) return day.format(date)
    if (apart < 60) return seconds.format(date)
    // Midnight shows the date, as does the first tick of a range over a day.
    const isMidnight = date.getHours() === 0 && date.getMinutes() === 0
    return isMidnight || (place === 0 && to - from > daySeconds) ? day.format(date) : clock.format(date)
  })
}

/** Returns the time zone of the page's times, as `CET` or `GMT-4`. @param timeZone This machine's by default. */
export function zoneAt(atMs: number, timeZone?: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', { timeZone, timeZoneName: 'short' }).formatToParts(atMs)
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? ''
}
