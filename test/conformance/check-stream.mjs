/** All checks of one event stream, in their order. */
import { Caller } from './caller.mjs'
import { checkAccounts } from './checks-accounts.mjs'
import { checkDoor, checkRequests } from './checks-door.mjs'
import { checkGoodbye, checkGrammar, checkHeartbeat, checkOpening, checkWhole, leave } from './checks-end.mjs'
import { checkFacts, checkStates, checkWelcome } from './checks-facts.mjs'
import { checkGaps, checkReplay } from './checks-replay.mjs'
import { FairClock } from './fair-clock.mjs'
import { Report, Undecided } from './report.mjs'
import { Streams } from './stream.mjs'

/**
 * Returns the number of broken promises, and why the result is undecided, if it is. @param print Called with a line for
 * each check.
 */
export async function checkStream({ url, token, waitMs, isPartial }, print) {
  const report = new Report(print)
  const clock = new FairClock()
  const caller = new Caller({ url, token, clock })
  const streams = new Streams({ caller, clock })
  const run = Math.random().toString(36).slice(2, 10)
  /** Grows as more is known: the stream that is open during the whole run, the epoch, the facts that were made. */
  const probe = { report, clock, caller, streams, token, waitMs, isPartial, run, agents: [] }
  let undecided
  try {
    undecided = await checkEverything(probe)
  } catch (error) {
    if (error instanceof Undecided) undecided = error.message
    else await report.check('all facts come on the stream that is open all the time', () => Promise.reject(error))
  }
  // A server that fails here was reported above, or was never called.
  await leave(probe).catch(() => undefined)
  if (streams.all.some(({ blocks }) => blocks.length > 0)) await checkGrammar(probe)
  for (const stream of streams.all) stream.close()
  clock.stop()
  return { failures: report.failures, undecided }
}

/** Returns why the result is undecided, if it is. Broken promises are in the report. */
async function checkEverything(probe) {
  if (!(await checkDoor(probe))) return
  if (probe.token === undefined) return 'a token is needed for all else'
  if (!(await checkWelcome(probe))) return
  await checkRequests(probe)
  if (!(await checkFacts(probe))) return
  probe.hasStates = await checkStates(probe)
  const comesBack = await checkReplay(probe)
  if (!(await checkOpening(probe))) return
  await checkGaps(probe)
  if (comesBack) await checkAccounts(probe)
  await checkHeartbeat(probe)
  await checkGoodbye(probe)
  await checkWhole(probe)
}
