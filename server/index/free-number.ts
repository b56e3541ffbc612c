/** Finds a number that is not taken in few questions, also where very many before it are. */

/**
 * Answers the first free one behind `from` where the taken ones are in one piece; else one that is free behind a taken one.
 * @param from Is taken.
 */
export async function freeNumber(from: number, isTaken: (number: number) => Promise<boolean>): Promise<number> {
  let [taken, step] = [from, 1]
  while (await isTaken(from + step)) {
    taken = from + step
    step *= 2
  }
  let free = from + step
  while (free - taken > 1) {
    const middle = Math.floor((taken + free) / 2)
    if (await isTaken(middle)) taken = middle
    else free = middle
  }
  return free
}
