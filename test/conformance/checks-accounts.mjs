/** Whether `account_id` is obeyed: by what the log holds of accounts, since nothing may be changed to make more. */
import { hear, isOf, makeFact, numberOf } from './checks-facts.mjs'
import { expectSame, followMs, upTo } from './checks-replay.mjs'
import { expect } from './report.mjs'

/** Facts of the log that are read back. */
const maxFacts = 5_000
/** Milliseconds until those have arrived, over a slow link too. */
const replayMs = 60_000

export async function checkAccounts(probe) {
  const { report, streams, oldest } = probe
  if (oldest === undefined) return report.note('not checked: account_id, for no gap named the oldest id')
  let past
  await report.check('the past can be read from the oldest id that a gap named', async () => {
    past = await readPast(probe)
  })
  if (!past) return
  const ids = [...new Set(past.facts.map(({ data }) => data.account_id).filter(id => id !== undefined))]
  if (ids.length === 0) {
    past.stream.close()
    return report.note('not checked: account_id with accounts, for the log holds no fact of one')
  }
  const filters = [['no-such-account'], ids.slice(0, 1), ...(ids.length > 2 ? [ids.slice(0, 2)] : [])]
  const opened = filters.map(wanted => {
    const query = wanted.map(id => `account_id=${encodeURIComponent(id)}`).join('&')
    return streams.enter(query, { 'last-event-id': past.after }).catch(error => ({ error }))
  })
  await Promise.all(opened)
  const mark = await makeFact(probe)
  await hear(probe, mark)
  await report.check(`account_id leaves out facts of other accounts, by ${past.facts.length} facts`, async () => {
    await past.stream.next(isOf(mark), followMs, 'no new fact')
    const all = upTo(past.stream, mark)
    for (const [index, wanted] of filters.entries()) {
      const stream = await opened[index]
      if (stream.error) throw stream.error
      await stream.next(isOf(mark), followMs, 'no new fact')
      const isWanted = ({ data }) => data.account_id === undefined || wanted.includes(data.account_id)
      expectSame(upTo(stream, mark), all.filter(isWanted))
    }
  })
  for (const stream of [past.stream, ...(await Promise.all(opened))]) stream.close?.()
}

/** Returns as much of the log as it holds, at most the newest facts. */
async function readPast(probe) {
  const { streams, epoch, oldest, main } = probe
  const newest = numberOf(main.facts.at(-1).id)
  for (let isAgain = false; ; isAgain = true) {
    // The oldest ones may have been pruned meanwhile.
    const after = `${epoch}-${Math.max(oldest, newest - (isAgain ? maxFacts / 50 : maxFacts))}`
    const stream = await streams.enter('', { 'last-event-id': after })
    const { resumed, replayed } = stream.welcome
    if (!resumed && !isAgain) continue
    expect(resumed === true, `the id ${after} could not be come back to`)
    const mark = await makeFact(probe)
    await hear(probe, mark)
    await stream.next(isOf(mark), replayMs, 'no new fact')
    const facts = upTo(stream, mark)
    expect(facts.length > replayed, `welcome says replayed ${replayed}, and there came ${facts.length - 1}`)
    return { stream, after, facts }
  }
}
