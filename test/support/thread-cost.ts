/** What work costs the thread of the tests, which is that of the server and of its clients. */

async function cpuOf(work: () => unknown): Promise<number> {
  const before = process.threadCpuUsage()
  await work()
  const { user, system } = process.threadCpuUsage(before)
  return user + system
}

const mostTries = 3

/**
 * As a share of what the same costs where this thread does it all. Whatever else the thread does meanwhile is counted too, and is more
 * the longer another thread waits for a processor: of a few tries the least counts.
 * @param prepare Makes the next try, of which nothing is kept from the one before.
 */
export async function shareOf(
  prepare: () => Promise<() => Promise<unknown>>,
  here: () => unknown,
  enough: number,
): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let tries = 0; tries < mostTries && least >= enough; tries++) {
    const elsewhere = await prepare()
    least = Math.min(least, (await cpuOf(elsewhere)) / (await cpuOf(here)))
  }
  return least
}
