/** Finds a free number in logarithmically many queries, by doubling and bisection. */

/**
 * Returns the first free number after `from` if the taken ones are contiguous, else some free one that follows a taken
 * one.
 * @param from A number that is taken.
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
