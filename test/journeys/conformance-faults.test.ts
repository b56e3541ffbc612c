/** The conformance script names the promise that a faulty event stream breaks, and reports nothing for a good one. */
import { expect, onTestFinished, test } from 'vitest'
import { type Behaviour, standInToken } from '../support/event-stream-behaviour.ts'
import type { Fault } from '../support/event-stream-fault-kinds.ts'
import { formFaults } from '../support/event-stream-form-faults.ts'
import { orderFaults } from '../support/event-stream-order-faults.ts'
import { EventStreamStandIn } from '../support/event-stream-stand-in.ts'
import { timeFaults } from '../support/event-stream-time-faults.ts'
import { runChecksHere, runConformance, type Verdict } from '../support/run-conformance.ts'

/** Faults checked concurrently: a script mostly waits for something to happen. */
const atOnce = 20
/** Slowest first. */
const faults = [...timeFaults, ...orderFaults, ...formFaults]

async function runAgainst(change: Partial<Behaviour>, ...args: string[]): Promise<Verdict & { requests: number }> {
  const standIn = new EventStreamStandIn(change)
  onTestFinished(() => standIn.stop())
  const verdict = await runConformance(await standIn.start(), ['--token', standInToken, ...args])
  return { ...verdict, requests: standIn.requests }
}

test('each of the faulty streams is found, by the check of the promise that it breaks', async () => {
  expect(faults.length).toBeGreaterThanOrEqual(100)
  expect(new Set(faults.map(([name]) => name)).size).toBe(faults.length)
  const waiting = [...faults]
  const missed: { name: string; failed: string[] }[] = []
  const judge = async ([name, found, change]: Fault) => {
    const standIn = new EventStreamStandIn(change)
    onTestFinished(() => standIn.stop())
    // In this process: a hundred processes would cost more than all the checks.
    const { failed } = await runChecksHere(await standIn.start(), { token: standInToken, waitMs: 10_000 })
    if (!failed.some(check => check.startsWith(found))) missed.push({ name, failed })
  }
  const work = async () => {
    for (let fault = waiting.shift(); fault; fault = waiting.shift()) await judge(fault)
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  expect(missed).toEqual([])
})

const busyOnce: Partial<Behaviour> = {
  busy: count => (count === 6 ? { status: 503, headers: { 'retry-after': '1' }, body: '' } : undefined),
}

test.each<[what: string, change: Partial<Behaviour>, ...args: string[]]>([
  ['that keeps every promise', {}],
  ['that is too busy once and says when to come back', busyOnce],
  ['whose numbers have holes, for a token that does not see everything', { numberStep: 3 }, '--partial'],
  ['of a token that may not disconnect clients', { mayDisconnect: false }],
])('nothing is said of a stream %s', async (_what, change, ...args) => {
  const { code, failed, text } = await runAgainst(change, ...args)
  expect(failed).toEqual([])
  expect(text).toMatch(/^all is well$/m)
  expect(code).toBe(0)
})

test('behind an open door nothing more is asked', async () => {
  const { code, failed, text, requests } = await runAgainst({ admits: () => true })
  expect(failed).toEqual([
    'a stranger is refused with 401 and a problem: status 200 (text/event-stream; charset=utf-8) instead of 401',
    'a wrong token is refused with 401 and a problem: status 200 (text/event-stream; charset=utf-8) instead of 401',
  ])
  expect(text.trim().split('\n')).toHaveLength(3)
  expect([code, requests]).toEqual([1, 2])
})

test('an open door is found without a token too', async () => {
  const standIns = [new EventStreamStandIn({ admits: () => true }), new EventStreamStandIn()]
  for (const standIn of standIns) onTestFinished(() => standIn.stop())
  const [open, closed] = await Promise.all(standIns.map(async standIn => runConformance(await standIn.start())))
  expect([open!.code, open!.failed.length]).toEqual([1, 2])
  expect([closed!.code, closed!.failed]).toEqual([2, []])
  expect(closed!.text).toMatch(/^a token is needed/m)
})

test('where no more clients are told apart, nothing is decided', async () => {
  const { code, failed, text } = await runAgainst({ maxAgents: 4 })
  expect([code, failed]).toEqual([2, []])
  expect(text).toMatch(/^too many user agents/m)
})
