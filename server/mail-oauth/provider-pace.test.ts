/** Requests to one provider: a few at a time, a little apart, and none that waited while it went away. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { SteeredClock } from '../../test/support/rotating-provider.ts'
import { OAuthFault } from './oauth-server.ts'
import { ProviderPace, requestsAtATime } from './provider-pace.ts'

const settle = async () => {
  for (let turn = 0; turn < 5; turn++) await nextTurn()
}

function startPace() {
  const [clock, stopped] = [new SteeredClock(), new AbortController()]
  const pace = new ProviderPace('Example', clock, stopped.signal)
  const answers: PromiseWithResolvers<string>[] = []
  const request = () => {
    const answer = Promise.withResolvers<string>()
    answers.push(answer)
    return answer.promise
  }
  const ask = () => pace.run(request).catch((error: unknown) => error)
  return { clock, stopped, answers, ask }
}

test('a further request waits until one has ended', async () => {
  const { clock, answers, ask } = startPace()
  const asked = Array.from({ length: requestsAtATime + 2 }, ask)
  await clock.pass(1_000, settle)
  expect(answers.length).toBe(requestsAtATime)
  answers[0]!.resolve('one')
  await clock.pass(1_000, settle)
  expect(answers.length).toBe(requestsAtATime + 1)
  for (const { resolve } of answers) resolve('x')
  await clock.pass(1_000, settle)
  answers.at(-1)!.resolve('last')
  expect(await Promise.all(asked)).toEqual(['one', 'x', 'x', 'x', 'x', 'last'])
})

test('requests that waited while the provider went away, or that are too many, are not sent', async () => {
  const { clock, answers, ask } = startPace()
  const asked = Array.from({ length: requestsAtATime }, ask)
  const waiting = Array.from({ length: 10_000 }, ask)
  await clock.pass(1_000, settle)
  expect(await ask()).toMatchObject({ message: 'Too many accounts wait for the sign-in of Example.' })
  for (const { reject } of answers) reject(new OAuthFault('away', new Error('503'), []))
  await Promise.all(asked)
  const away = await Promise.all(waiting)
  expect(away.filter(error => (error as { extension?: object }).extension !== undefined).length).toBe(10_000)
  expect(answers.length).toBe(requestsAtATime)
})

test('a stop ends the pause before a request', async () => {
  const { clock, stopped, answers, ask } = startPace()
  const asked = [ask(), ask()]
  await settle()
  // The clock stands still.
  stopped.abort()
  expect(await asked[1]).toMatchObject({ code: 'draining' })
  expect([answers.length, clock.at]).toEqual([1, new SteeredClock().at])
})
