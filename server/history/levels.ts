/** How long figures are kept in which steps, and in which units they are stored. All in seconds. */

export interface Level {
  step: number
  /** How long data of this step is kept. */
  kept: number
  /** The time covered by one frame, which holds all series. */
  frame: number
  /** The time covered by a block of one series. Undefined if frames are not packed. */
  block: number | undefined
}

const minute = 60
const hour = 60 * minute
const day = 24 * hour

export const levels = [
  { step: 5, kept: hour, frame: minute, block: undefined },
  { step: minute, kept: 2 * day, frame: minute, block: hour },
  { step: 15 * minute, kept: 60 * day, frame: 15 * minute, block: day },
  { step: day, kept: 3 * 365 * day, frame: day, block: 30 * day },
] as const satisfies readonly Level[]

export type Step = (typeof levels)[number]['step']

export function levelOf(step: Step): Level {
  return levels.find(level => level.step === step)!
}

/** Returns the level that this one is rolled up from; undefined for the first. */
export function finerThan(step: Step): Level | undefined {
  return levels[levels.findIndex(level => level.step === step) - 1]
}

/** Returns the start of the interval that contains `at`; days are those of UTC. */
export function startOf(at: number, length: number): number {
  return Math.floor(at / length) * length
}
