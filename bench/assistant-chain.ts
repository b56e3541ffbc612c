/**
 * The cost of the model chain: from a request to its first visible part beyond the stand-in's own time, the fallback
 * once a failure is known, and a first answer while two of three providers hang. The stand-ins share the process and so
 * add to the measured time.
 */
import { createChatModel } from '../server/assistant/adapters/index.ts'
import { usualLimits } from '../server/assistant/assistant-limits.ts'
import { ModelChain } from '../server/assistant/model-chain.ts'
import { createLogger } from '../server/platform/logger.ts'
import { type Behaviour, ModelStandIn } from '../test/support/model-stand-in.ts'
import { round } from './measure.ts'

const rounds = 200
const answer: Behaviour = { does: 'answer', pieces: ['Good ', 'morning.'] }

export async function assistantChain(): Promise<object> {
  const standIns = await Promise.all([1, 2, 3].map(() => ModelStandIn.start('openai', answer)))
  try {
    const [first, second, third] = standIns as [ModelStandIn, ModelStandIn, ModelStandIn]
    await firstPart(chainOf([first]))
    const alone = await times(() => rawFirstByte(first))
    const healthy = chainOf([first])
    const throughChain = await times(() => firstPart(healthy))
    first.behave({ does: 'refuse', status: 503, words: 'worn out' })
    // A new chain each time: otherwise the circuit breaker would skip the broken one.
    const fellBack = await times(() => firstPart(chainOf([first, second])))
    const known = chainOf([first, second])
    await firstPart(known)
    const leftOut = await times(() => firstPart(known))
    first.behave({ does: 'stall', pieces: [] })
    second.behave({ does: 'stall', pieces: [] })
    const hanging = chainOf([first, second, third])
    const firstWithTwoHanging = await firstPart(hanging)
    const nextWithTwoHanging = await times(() => firstPart(hanging))
    return {
      what: `${rounds} questions each, one after the other, to stand-ins in the same process; ms until the first visible part`,
      stand_in_alone: alone,
      through_chain: throughChain,
      own_cost_p50: round(throughChain.p50 - alone.p50),
      own_cost_p95: round(throughChain.p95 - alone.p50),
      fall_back_after_503: fellBack,
      fall_back_cost_p95: round(fellBack.p95 - throughChain.p50),
      dead_one_left_out: leftOut,
      two_of_three_hanging: { first: round(firstWithTwoHanging), next: nextWithTwoHanging },
      target:
        'own cost at most 15 ms; fall-back at most 50 ms; with two hanging the first at most 8,000 ms, the next at most 100 ms',
    }
  } finally {
    await Promise.all(standIns.map(standIn => standIn.close()))
  }
}

function chainOf(standIns: readonly ModelStandIn[]): ModelChain {
  const chain = new ModelChain({ logger: createLogger('silent') })
  const entries = standIns.map(({ url }, place) => {
    const settings = {
      id: `p${place}`,
      kind: 'openai',
      name: `p${place}`,
      baseUrl: url,
      apiKey: 'k',
      model: 'm',
    } as const
    const model = createChatModel({ ...settings, isLocal: false, contextTokens: 32_000 })
    return { model, kind: 'openai', identity: url, shareOf: () => 'none' as const, priceInput: null, priceOutput: null }
  })
  chain.use(entries, usualLimits)
  return chain
}

async function firstPart(chain: ModelChain): Promise<number> {
  const begun = performance.now()
  const step = {
    requestFor: () => ({ messages: [{ role: 'user' as const, content: 'Hello' }] }),
    endsAt: begun + 60_000,
    signal: new AbortController().signal,
  }
  let first: number | undefined
  for await (const part of chain.answer(step)) if (part.type === 'part') first ??= performance.now() - begun
  return first ?? Number.NaN
}

/** Measures the same question without any code of ours. */
async function rawFirstByte({ url }: ModelStandIn): Promise<number> {
  const begun = performance.now()
  const body = JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'Hello' }] })
  const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', body })
  const reader = response.body!.getReader()
  await reader.read()
  const ms = performance.now() - begun
  await reader.cancel()
  return ms
}

async function times(run: () => Promise<number>) {
  const all: number[] = []
  for (let turn = 0; turn < rounds; turn++) all.push(await run())
  return { p50: round(quantile(all, 0.5)), p95: round(quantile(all, 0.95)) }
}

function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN
}
