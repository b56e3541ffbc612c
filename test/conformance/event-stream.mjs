#!/usr/bin/env node
/**
 * Checks that an event stream keeps what docs/events.md promises. Needs this folder, Node 20 or newer, and nothing else.
 *
 *   node event-stream.mjs <url> [--token T] [--wait seconds] [--partial]
 *
 * The url is that of the server or of the stream itself. The token may stand in RUSTYMAIL_API_KEY instead; it needs the
 * scope dashboard:read. `--wait` says how long to wait for facts to happen (60 s), `--partial` that the token does not see
 * everything, so that numbers may be left out. It makes facts happen by asking under new user agents, each of which is a
 * client_connected. With dashboard:operate it disconnects these clients again; nothing else is changed. One line a check;
 * exits with 1 when a promise is broken, with 2 when it was called wrongly or can make no facts.
 */
import { parseArgs } from 'node:util'
import { Caller } from './caller.mjs'
import { checkAccounts } from './checks-accounts.mjs'
import { checkDoor, checkRequests } from './checks-door.mjs'
import { checkGoodbye, checkGrammar, checkHeartbeat, checkOpening, checkWhole, leave } from './checks-end.mjs'
import { checkFacts, checkStates, checkWelcome } from './checks-facts.mjs'
import { checkGaps, checkReplay } from './checks-replay.mjs'
import { FairClock } from './fair-clock.mjs'
import { Report, Undecided } from './report.mjs'
import { Streams } from './stream.mjs'

const { url, token, waitMs, isPartial } = readArguments()
const report = new Report()
const clock = new FairClock()
const caller = new Caller({ url, token, clock })
const streams = new Streams({ caller, clock })
const run = Math.random().toString(36).slice(2, 10)
/** Grows as more is known: the stream that is open during the whole run, the epoch, the facts that were made. */
const probe = { report, clock, caller, streams, token, waitMs, isPartial, run, agents: [] }
/** Whatever the server does, this ends. */
const wholeMs = 300_000 + 2 * waitMs

setTimeout(() => {
  console.log(`not ok   everything within ${wholeMs / 1000} s`)
  process.exit(1)
}, wholeMs).unref()

let undecided
try {
  undecided = await checkEverything()
} catch (error) {
  if (error instanceof Undecided) undecided = error.message
  else await report.check('all facts come on the stream that is open all the time', () => Promise.reject(error))
}
// A server that fails at this has been told so above, or has not been asked for anything.
await leave(probe).catch(() => undefined)
if (streams.all.some(({ blocks }) => blocks.length > 0)) await checkGrammar(probe)
for (const stream of streams.all) stream.close()
const isWell = report.failures === 0
console.log(isWell ? (undecided ?? 'all is well') : `${report.failures} failed`)
process.exit(isWell ? (undecided ? 2 : 0) : 1)

/** Answers why nothing can be said, where that is so. What is broken is in the report. */
async function checkEverything() {
  if (!(await checkDoor(probe))) return
  if (token === undefined) return 'a token is needed for all else'
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

function readArguments() {
  try {
    const options = { token: { type: 'string' }, wait: { type: 'string' }, partial: { type: 'boolean' } }
    const { values, positionals } = parseArgs({ options, allowPositionals: true })
    const target = new URL(positionals[0])
    if (target.pathname === '/') target.pathname = '/api/dashboard/events'
    const seconds = Number(values.wait ?? 60)
    if (positionals.length !== 1 || !(seconds > 0)) throw new Error('one url, and a number of seconds')
    const secret = values.token ?? process.env.RUSTYMAIL_API_KEY
    return { url: target, token: secret, waitMs: seconds * 1000, isPartial: values.partial ?? false }
  } catch (error) {
    console.error(`node event-stream.mjs <url> [--token T] [--wait seconds] [--partial]\n${error.message}`)
    process.exit(2)
  }
}
