/** Runs work in the requested order, some of it in parallel. */

/** Items that run in parallel at most. */
const maxTogether = 4

/** Runs the items in order; adjacent ones that may run together do so, a few at a time. */
export async function inTurns<Item>(
  items: readonly Item[],
  kindOf: (item: Item) => 'together' | 'alone',
  work: (item: Item) => Promise<void> | void,
): Promise<void> {
  let batch: Item[] = []
  const flush = async () => {
    const now = batch
    batch = []
    await Promise.all(now.map(work))
  }
  for (const item of items) {
    if (kindOf(item) === 'alone' || batch.length >= maxTogether) await flush()
    if (kindOf(item) === 'alone') await work(item)
    else batch.push(item)
  }
  await flush()
}
