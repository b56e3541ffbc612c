/** How long figures are kept in which steps, and in which pieces they are stored. All in seconds. */

export interface Level {
  step: number
  /** How long it is kept. */
  kept: number
  /** Time that one frame holds: of all series. */
  frame: number
  /** Time that a block holds, of one series. Undefined: frames stay as they are. */
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

/** The level from which this one is made; undefined for the first. */
export function finerThan(step: Step): Level | undefined {
  return levels[levels.findIndex(level => level.step === step) - 1]
}

/** The beginning of the piece of time in which `at` is; days are those of UTC. */
export function startOf(at: number, length: number): number {
  return Math.floor(at / length) * length
}
