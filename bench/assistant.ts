/**
 * The assistant over a stand-in of a model: time and CPU until a question's first token, 100 concurrent conversations,
 * and the memory that each holds.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createApp } from '../server/app.ts'
import { loadConfig } from '../server/config.ts'
import { createLogger } from '../server/platform/logger.ts'
import { type Line, ScriptedChoice } from '../test/support/scripted-choice.ts'
import { apiKey, median, round, unlimited } from './measure.ts'

const atOnce = 100
const alone = 60
const rounds = 5
/** The stand-in's milliseconds from a request to its first token. */
const thinkMs = 200

export async function assistant(): Promise<object> {
  const dataDir = mkdtempSync(join(tmpdir(), 'rustymail-bench-'))
  const choice = new ScriptedChoice()
  const environment = { RUSTYMAIL_PORT: '0', RUSTYMAIL_DATA_DIR: dataDir, RUSTYMAIL_API_KEY: apiKey, ...unlimited }
  const app = createApp(loadConfig([], environment), { logger: createLogger('silent'), models: choice })
  try {
    await app.start()
    choice.script = () => ['word ', 'and more.']
    for (let count = 0; count < 10; count++) await firstToken(app.address)
    const single: number[] = []
    const aloneCpu = await cpuOf(async () => {
      for (let count = 0; count < alone; count++) single.push((await firstToken(app.address)).ms)
    })
    const over: number[] = []
    const atOnceCpu = await cpuOf(async () => {
      for (let count = 0; count < rounds; count++) over.push(...(await together(app.address, choice)))
    })
    const kibEach = await held(app.address, choice)
    return {
      what: `from the request to the first token at a client in the same process, on SQLite: ${alone} questions one after the other to a model that answers at once; and ${atOnce} conversations at once, ${rounds} times, over a stand-in that thinks for ${thinkMs} ms`,
      target: 'own cost at most 15 ms; first token p95 at most 100 ms over the stand-in; at most 200 KiB each',
      own_cost_ms: { median: round(median(single)), p95: round(at(single, 0.95)) },
      over_the_stand_in_ms: { median: round(median(over)), p95: round(at(over, 0.95)) },
      // CPU time of a whole question with its client, on all threads, which other load on the machine does not change.
      cpu_ms_each: { alone: round(aloneCpu / alone), at_once: round(atOnceCpu / (rounds * atOnce)) },
      load_average: loadavg().map(value => round(value)),
      heap_kib_each: round(kibEach),
    }
  } finally {
    await app.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

async function cpuOf(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

async function together(url: string, choice: ScriptedChoice): Promise<number[]> {
  choice.script = () => [wait(thinkMs), 'word ', wait(thinkMs), 'and more.'] satisfies Line[]
  const answers = await Promise.all(Array.from({ length: atOnce }, () => firstToken(url)))
  return answers.map(({ ms }) => ms - thinkMs)
}

/** Holds answers that have sent 2,000 characters and wait for the model; returns the memory per answer. */
async function held(url: string, choice: ScriptedChoice): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const gate = Promise.withResolvers<void>()
  collect()
  const before = process.memoryUsage().heapUsed
  choice.script = () => ['x'.repeat(2_000), gate.promise, 'end']
  choice.requests.length = 0
  const answers = Array.from({ length: atOnce }, () => firstToken(url))
  while (choice.requests.length < atOnce) await wait(20)
  await wait(500)
  collect()
  const kib = (process.memoryUsage().heapUsed - before) / 1024 / atOnce
  gate.resolve()
  await Promise.all(answers)
  return kib
}

/** Reads the answer to its end, and notes the time of its first token. */
async function firstToken(url: string): Promise<{ ms: number }> {
  const began = performance.now()
  const response = await fetch(`${url}/api/dashboard/chatbot/query`, {
    method: 'POST',
    headers: { 'x-api-key': apiKey, 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query: 'What is IMAP?' }),
  })
  if (response.status !== 200) throw new Error(`answered ${response.status}: ${await response.text()}`)
  let ms: number | undefined
  let text = ''
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk
    if (ms === undefined && text.includes('event: text_delta')) ms = performance.now() - began
  }
  if (ms === undefined) throw new Error(`no token came: ${text}`)
  return { ms }
}

function at(values: readonly number[], part: number): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!
}
