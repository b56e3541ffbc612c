/** Replaces the ISO times in a diagnosis by the page's own format. */
import { formatDateTime } from '../platform/format.ts'

const timestamp = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g

export function withLocalTimes(words: string): string {
  return words.replaceAll(timestamp, at => formatDateTime(Date.parse(at)))
}
