/** Measures the CPU cost of work on the tests' thread, which is also that of the server and its clients. */

async function cpuOf(work: () => unknown): Promise<number> {
  const before = process.threadCpuUsage()
  await work()
  const { user, system } = process.threadCpuUsage(before)
  return user + system
}

const mostTries = 3

/**
 * Returns this thread's CPU time as a share of what the same work costs here. Whatever else the thread does meanwhile
 * counts too, more so the longer another thread waits for a processor; so the least of a few tries counts.
 * @param prepare Sets up the next try, independent of the one before.
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
