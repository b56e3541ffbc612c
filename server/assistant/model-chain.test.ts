/** Which model is called when and for how long, and what failures report. The test controls time. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ScriptedModel, type ScriptLine } from '../../test/support/scripted-model.ts'
import { createLogger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import { usualLimits } from './assistant-limits.ts'
import type { ChatModel, Part } from './chat-model.ts'
import { ModelChain, type ProviderCall } from './model-chain.ts'
import type { ModelPart, ModelStep } from './model-choice.ts'
import type { ModelEntry } from './model-entry.ts'
import { placed } from './provider-faults.ts'
import { answerBounds } from './visible-parts.ts'

const firstMs = 6_000
const idleMs = 30_000
const forever = new Promise(() => undefined)
const words = (text: string): Part => ({ type: 'text_delta', text })
const call = (name: string, input: unknown = {}): Part => ({ type: 'tool_call', call: { id: 'c1', name, input } })
const finish: Part = { type: 'finish', usage: { input_tokens: 1_000, output_tokens: 500 }, reason: 'stop' }
const failure = (text: string, place?: 'question' | 'answer') =>
  placed(new Problem('provider_failed', text), place ?? 'provider')
const limited = (seconds: number) => new Problem('provider_limited', 'slow down', { retryAfterSeconds: seconds })

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

function scripted(id: string, ...script: ScriptLine[]): ScriptedModel {
  return new ScriptedModel({ id, provider: id, script })
}

function entryOf(model: ChatModel, change: Partial<ModelEntry> = {}): ModelEntry {
  return {
    model,
    kind: 'openai',
    identity: model.id,
    shareOf: () => 'none',
    priceInput: null,
    priceOutput: null,
    ...change,
  }
}

function chainOf(...models: ChatModel[]) {
  const calls: ProviderCall[] = []
  const lines: string[] = []
  const logger = createLogger('trace', { write: line => void lines.push(line) })
  const chain = new ModelChain({ logger, firstMs, idleMs, observe: each => calls.push(each) })
  chain.use(
    models.map(model => entryOf(model)),
    usualLimits,
  )
  return { chain, calls, lines }
}

interface Read {
  parts: ModelPart[]
  error: unknown
  /** Time of the first visible part. */
  firstAt: number | undefined
}

/** Lets time pass until the answer is over. */
async function ask(chain: ModelChain, change: Partial<ModelStep> = {}): Promise<Read> {
  const begun = performance.now()
  const read: Read = { parts: [], error: undefined, firstAt: undefined }
  const step: ModelStep = {
    requestFor: () => ({ messages: [{ role: 'user', content: 'Hi' }] }),
    endsAt: begun + 120_000,
    signal: new AbortController().signal,
    ...change,
  }
  let isOver = false
  const reading = (async () => {
    try {
      for await (const part of chain.answer(step)) {
        read.parts.push(part)
        if (part.type === 'part') read.firstAt ??= performance.now() - begun
      }
    } catch (error) {
      read.error = error
    }
    isOver = true
  })()
  for (let turn = 0; !isOver && turn < 2_000; turn++) await vi.advanceTimersByTimeAsync(100)
  await reading
  return read
}

const attemptsIn = ({ parts }: Read) => parts.flatMap(part => (part.type === 'attempt' ? [part.model.id] : []))
const answeredBy = ({ parts }: Read) => parts.find(part => part.type === 'part')?.model.id

test('with two of three hanging the first answer comes within one deadline, and the next at once', async () => {
  const hung = [scripted('one', forever), scripted('two', forever)]
  const { chain } = chainOf(...hung, scripted('three', words('c'), finish))
  const first = await ask(chain)
  expect(answeredBy(first)).toBe('three')
  expect(first.firstAt).toBeLessThanOrEqual(firstMs)
  expect(attemptsIn(first)).toEqual(['one', 'two'])
  const next = await ask(chain)
  expect(answeredBy(next)).toBe('three')
  expect(next.firstAt).toBe(0)
  // Not called again, but reported.
  expect(hung.map(({ requests }) => requests.length)).toEqual([1, 1])
  expect(attemptsIn(next)).toEqual(['one', 'two'])
  expect(next.parts[0]).toMatchObject({ problem: { message: expect.stringMatching(/^one is left out for \d+ s: /) } })
})

test('one that is only slow wins when it is first after all, and the other request is ended', async () => {
  const gate = Promise.withResolvers<void>()
  const second = scripted('two', forever)
  const { chain, calls } = chainOf(scripted('one', gate.promise, words('a'), finish), second)
  setTimeout(gate.resolve, firstMs - 1_000)
  const read = await ask(chain)
  expect(answeredBy(read)).toBe('one')
  expect(second.requests[0]?.signal.aborted).toBe(true)
  expect(calls.map(({ outcome }) => outcome)).toEqual(['answered', 'left'])
  expect(answeredBy(await ask(chain))).toBe('one')
})

test('the last that is left may take its time', async () => {
  const gate = Promise.withResolvers<void>()
  const { chain } = chainOf(scripted('one', failure('down')), scripted('two', gate.promise, words('b'), finish))
  setTimeout(gate.resolve, idleMs - 1_000)
  expect(answeredBy(await ask(chain))).toBe('two')
})

/** Like RIG: nothing is shown before everything is there. */
const whole = (id: string, ...script: ScriptLine[]) =>
  new ScriptedModel({ id, provider: id, script, answersWhole: true })

test('one that answers whole and hangs costs one deadline too, and once', async () => {
  const hung = whole('rig', forever)
  const { chain } = chainOf(hung, scripted('two', forever), scripted('three', words('c'), finish))
  const first = await ask(chain)
  expect(answeredBy(first)).toBe('three')
  expect(first.firstAt).toBeLessThanOrEqual(firstMs + 100)
  expect(attemptsIn(first)).toEqual(['rig', 'two'])
  const next = await ask(chain)
  expect([answeredBy(next), next.firstAt, hung.requests.length]).toEqual(['three', 0, 1])
})

test('one that answers whole comes first for as long as each has for its first word, though another is ready', async () => {
  const gate = Promise.withResolvers<void>()
  const second = scripted('two', words('b'), finish)
  const { chain } = chainOf(whole('rig', gate.promise, words('a'), finish), second)
  setTimeout(gate.resolve, firstMs - 500)
  expect(answeredBy(await ask(chain))).toBe('rig')
  expect(second.requests).toHaveLength(1)
  expect([chain.standingOf('rig')?.state, chain.standingOf('two')?.state]).toEqual(['ready', 'ready'])
})

test('when one that answers whole fails, what is kept back is given at once', async () => {
  const gate = Promise.withResolvers<void>()
  const { chain } = chainOf(whole('rig', gate.promise, failure('torn')), scripted('two', words('b'), finish))
  setTimeout(gate.resolve, firstMs / 2 + 500)
  const read = await ask(chain)
  expect([answeredBy(read), attemptsIn(read)]).toEqual(['two', ['rig']])
  expect(read.firstAt).toBeLessThanOrEqual(firstMs / 2 + 700)
})

test('an answer that is wanted whole falls back in the middle, and nothing of what broke off is in it', async () => {
  const { chain } = chainOf(
    scripted('one', words('half'), failure('torn', 'answer')),
    scripted('two', words('b'), finish),
  )
  const read = await ask(chain, { isWhole: true })
  expect(read.parts).toMatchObject([
    { type: 'attempt', problem: { message: 'torn' } },
    { type: 'part', model: { id: 'two' }, part: words('b') },
    { type: 'part', model: { id: 'two' }, part: finish },
  ])
})

test('one that thinks is not taken for one that hangs, until the others need their time', async () => {
  const steps = Array.from({ length: 4 }, () => new Promise(resolve => setTimeout(resolve, 1_000)))
  const thinks = scripted('one', { type: 'reasoning_delta' }, ...steps, words('a'), finish)
  const other = scripted('two', words('b'), finish)
  const { chain } = chainOf(thinks, other)
  expect(answeredBy(await ask(chain))).toBe('one')
  expect(other.requests).toEqual([])
})

test.each<[string, Problem]>([
  ['is refused', failure('cannot be reached (ECONNREFUSED).')],
  ['answers 401', failure('answered 401.')],
])('a dead provider costs one question: it %s', async (_what, problem) => {
  const dead = scripted('one', problem)
  const { chain, lines } = chainOf(dead, scripted('two', words('b'), finish))
  for (let question = 0; question < 5; question++) expect(answeredBy(await ask(chain))).toBe('two')
  expect(dead.requests).toHaveLength(1)
  expect(lines.filter(line => line.includes('a model provider failed'))).toHaveLength(1)
  expect(chain.standingOf('one')).toEqual({ state: 'resting', lastFault: problem.message })
  // Half-open: one of two concurrent questions tries it.
  await vi.advanceTimersByTimeAsync(31_000)
  await Promise.all([ask(chain), ask(chain)])
  expect(dead.requests).toHaveLength(2)
})

test('what a provider says to one question alone keeps it in its place', async () => {
  const picky = scripted('one', failure('answered 400: too long', 'question'))
  const { chain } = chainOf(picky, scripted('two', words('b'), finish))
  for (let question = 0; question < 3; question++) expect(answeredBy(await ask(chain))).toBe('two')
  expect(picky.requests).toHaveLength(3)
})

test('a rate-limited provider is skipped until the time that it gave; when all are, the earliest time is reported', async () => {
  const one = scripted('one', limited(90))
  const { chain } = chainOf(one, scripted('two', limited(40)))
  expect((await ask(chain)).error).toMatchObject({ code: 'provider_limited', extension: { retryAfterSeconds: 40 } })
  await vi.advanceTimersByTimeAsync(10_000)
  const again = await ask(chain, { startWith: 'one' })
  expect(again.error).toMatchObject({ code: 'provider_limited', extension: { retryAfterSeconds: 30 } })
  expect(attemptsIn(again)).toEqual(['one', 'two'])
  expect(one.requests).toHaveLength(1)
})

test('the one that is chosen is asked first, though it rests', async () => {
  const two = new ScriptedModel({ id: 'two', script: n => (n === 0 ? [failure('down')] : [words('b'), finish]) })
  const { chain } = chainOf(two, scripted('one', words('a'), finish))
  expect(answeredBy(await ask(chain))).toBe('one')
  expect(answeredBy(await ask(chain))).toBe('one')
  expect(answeredBy(await ask(chain, { startWith: 'two' }))).toBe('two')
  expect(answeredBy(await ask(chain))).toBe('two')
  expect(answeredBy(await ask(chain, { startWith: 'one' }))).toBe('one')
})

test('one that may not be asked this is an attempt, is never sent anything, and keeps its place', async () => {
  const one = scripted('one', words('a'), finish)
  const { chain, calls } = chainOf(one, scripted('two', words('b'), finish))
  const secret = new Problem('provider_failed', 'one may not be sent this mail.')
  const read = await ask(chain, { requestFor: model => (model.id === 'one' ? secret : { messages: [] }) })
  expect(read.parts[0]).toMatchObject({ type: 'attempt', problem: secret })
  expect(answeredBy(read)).toBe('two')
  expect(one.requests).toEqual([])
  expect(calls).toHaveLength(1)
  expect(answeredBy(await ask(chain))).toBe('one')
  expect((await ask(chain, { requestFor: () => secret })).error).toMatchObject({ message: secret.message })
})

test('a call of a tool is visible: from then on a failure is thrown', async () => {
  const second = scripted('two', words('b'), finish)
  const { chain } = chainOf(scripted('one', call('stats'), failure('torn', 'answer')), second)
  const read = await ask(chain)
  expect(read.parts).toEqual([{ type: 'part', model: expect.anything(), part: call('stats') }])
  expect(read.error).toMatchObject({ message: 'torn' })
  expect(second.requests).toEqual([])
})

test.each<[string, ScriptLine[]]>([
  ['a name without end', [call('x'.repeat(answerBounds.name + 1)), finish]],
  ['an input without end', [call('stats', 'x'.repeat(answerBounds.input + 1)), finish]],
  ['text without end', [words('x'.repeat(answerBounds.text + 1)), finish]],
  ['nothing', [finish]],
  ['an end that was held back', [{ ...finish, reason: 'filtered' }]],
])('%s falls back before it is passed on', async (_what, script) => {
  const read = await ask(chainOf(scripted('one', ...script), scripted('two', words('b'), finish)).chain)
  expect(answeredBy(read)).toBe('two')
  expect(attemptsIn(read)).toEqual(['one'])
})

test('more tools at once than an answer may ask for end it', async () => {
  const calls = Array.from({ length: answerBounds.calls + 1 }, () => call('stats'))
  const read = await ask(chainOf(scripted('one', ...calls, finish)).chain)
  expect(read.parts).toHaveLength(answerBounds.calls)
  expect(read.error).toMatchObject({ message: 'one asked for more than 32 tools at once.' })
})

test('answers that come to nothing, one after the other, let a provider rest; a good one between them does not', async () => {
  const scripts = [[finish], [words('a'), finish], [finish], [finish], [words('a'), finish]]
  const one = new ScriptedModel({ id: 'one', script: n => scripts[n] ?? [] })
  const { chain } = chainOf(one, scripted('two', words('b'), finish))
  const by: (string | undefined)[] = []
  for (let question = 0; question < 6; question++) by.push(answeredBy(await ask(chain)))
  expect(by).toEqual(['two', 'one', 'two', 'two', 'two', 'two'])
  expect(one.requests).toHaveLength(4)
})

test('a reader who leaves ends all requests, and no provider is blamed', async () => {
  const models = [scripted('one', forever), scripted('two', forever)]
  const { chain, calls } = chainOf(...models)
  const gone = new AbortController()
  setTimeout(() => gone.abort(new Error('the reader left')), firstMs - 500)
  expect((await ask(chain, { signal: gone.signal })).error).toMatchObject({ message: 'the reader left' })
  expect(models.map(({ requests }) => requests[0]?.signal.aborted)).toEqual([true, true])
  expect(calls.map(({ outcome }) => outcome)).toEqual(['left', 'left'])
  expect(chain.standingOf('one')?.state).toBe('ready')
})

test('new settings hold for the next question; what a provider fared stays unless it is another one now', async () => {
  const dead = scripted('one', failure('down'))
  const good = scripted('two', words('b'), finish)
  const { chain } = chainOf(dead, good)
  await ask(chain)
  chain.use([entryOf(dead), entryOf(good)], usualLimits)
  expect(chain.standingOf('one')?.state).toBe('resting')
  chain.use([entryOf(dead, { identity: 'with another key' })], usualLimits)
  expect(chain.standingOf('one')?.state).toBe('ready')
  expect(chain.models().map(({ id }) => id)).toEqual(['one'])
  chain.use([], usualLimits)
  expect((await ask(chain)).error).toMatchObject({ code: 'no_model_configured' })
})

test('an answer costs what its price says, and nothing is made up without one', () => {
  const { chain } = chainOf()
  const [one, two] = [scripted('one'), scripted('two')]
  const usage = { input_tokens: 1_000_000, output_tokens: 100_000 }
  chain.use(
    [entryOf(one, { priceInput: 3, priceOutput: 15, shareOf: id => (id === 'a' ? 'text' : 'none') }), entryOf(two)],
    usualLimits,
  )
  expect(chain.costOf(one, usage)).toBe(4.5)
  expect(chain.costOf(one, null)).toBeNull()
  expect(chain.costOf(two, usage)).toBeNull()
  expect([chain.shareOf(one, 'a'), chain.shareOf(one, 'b'), chain.shareOf(scripted('gone'), 'a')]).toEqual([
    'text',
    'none',
    'none',
  ])
})
