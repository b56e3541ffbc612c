/** A minute of all series, as it is recorded. */
import type { Placed } from './points-codec.ts'

export interface RecordedMinute {
  /** Epoch seconds. */
  start: number
  /** By key; places are samples of 5 s. */
  points: Map<string, Placed[]>
}
