/**
 * Does memory stay constant? A server under a day's kind of load for 20 minutes (SOAK_MINUTES), after the in-memory log
 * of facts is full: lists, reads, searches, tools, changes, new mail, and streams that come and go. The slope is that
 * of each minute's lowest RSS, in total and by kind of mapping; see docs/decisions/0065 for what may grow.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { type Dovecot, startDovecot } from '../test/support/dovecot.ts'
import { apiKey, connectAlice, round, rssByMapping, startRustyMail } from './measure.ts'

const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
const minutes = Number(process.env.SOAK_MINUTES ?? 20)
/** Facts published first: more than the server holds in memory. */
const factsBefore = 10_500
/** Milliseconds until this load is compiled and cached: RSS grows by 10 MiB in the first five minutes, and flattens. */
const warmUpMs = 15 * 60_000
const pauseMs = 40
const streams = 20
const MiB = 2 ** 20

export async function soak(): Promise<object> {
  const dovecot = await startDovecot()
  const rustymail = await startRustyMail()
  const world = { url: rustymail.url, account: '', done: 0, isOver: false }
  try {
    world.account = await connectAlice(world.url, dovecot.imapPort)
    for (let index = 0; index < 50; index++) await deliver(dovecot, index)
    await Promise.all(Array.from({ length: 4 }, (_, worker) => fill(world, worker)))
    const load = [readers(world), changes(world), mails(world, dovecot), ...comingAndGoing(world)]
    await wait(warmUpMs)
    const before = world.done
    const lows: Record<Kind, number[]> = { all: [], files: [], malloc: [], code: [], other: [] }
    let highest = 0
    for (let minute = 0; minute < minutes; minute++) {
      const samples: Record<Kind, number>[] = []
      for (let sample = 0; sample < 12; sample++) {
        await wait(5_000)
        samples.push(rssByMapping(rustymail.pid))
      }
      for (const kind of kinds) lows[kind].push(round(Math.min(...samples.map(sample => sample[kind])), 5))
      highest = Math.max(highest, ...samples.map(sample => sample.all))
    }
    const { all, ...byMapping } = lows
    const requests = world.done - before
    const memory = await memoryByKind(world)
    world.isOver = true
    await Promise.all(load)
    return {
      what: `RSS under load for ${minutes} min behind ${factsBefore} facts and 15 min of the same load: ${requests} requests, ${streams} streams, each ended after some seconds`,
      slope_mib_a_minute: round(slope(all)),
      slope_by_mapping: Object.fromEntries(Object.entries(byMapping).map(([kind, mibs]) => [kind, round(slope(mibs))])),
      lowest_of_each_minute_mib: all,
      lowest_by_mapping: byMapping,
      highest_mib: round(highest, 5),
      at_the_end_mib: memory,
      targets: { slope_mib_a_minute: '<= 0.1', highest_mib: '<= 512' },
    }
  } finally {
    world.isOver = true
    await rustymail.stop()
    await dovecot.stop()
  }
}

type Kind = keyof ReturnType<typeof rssByMapping>
const kinds = ['all', 'files', 'malloc', 'code', 'other'] as const

interface World {
  url: string
  account: string
  /** Number of answered requests. */
  done: number
  isOver: boolean
}

/** Returns memory by kind, as the server reports it. */
async function memoryByKind(world: World): Promise<Record<string, number>> {
  const text = await ask(world, 'GET', '/metrics')
  const found = text.matchAll(/^rustymail_process_memory_bytes\{kind="(\w+)"\} (\S+)$/gm)
  return Object.fromEntries([...found].map(([, kind, bytes]) => [kind!, round(Number(bytes) / MiB)]))
}

/** Returns the least-squares slope by index. */
function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const [up, down] = values.reduce(
    ([products, squares], value, at) => [products + (at - middle) * (value - mean), squares + (at - middle) ** 2],
    [0, 0] as [number, number],
  )
  return down === 0 ? 0 : up / down
}

async function ask(world: World, method: string, path: string, body?: object): Promise<string> {
  const answer = await fetch(world.url + path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`)
  world.done++
  return text
}

/** Publishes facts by changing a name. */
async function fill(world: World, worker: number): Promise<void> {
  for (let count = worker; count < factsBefore; count += 4) await rename(world, count)
}

const rename = (world: World, count: number) =>
  ask(world, 'PATCH', `/api/dashboard/accounts/${world.account}`, { name: `Name ${count}` })

async function changes(world: World): Promise<void> {
  for (let count = 0; !world.isOver; count++) {
    await rename(world, count)
    await wait(500)
  }
}

async function readers(world: World): Promise<void> {
  const mail = `/api/v1/accounts/${world.account}`
  const tool = (name: string, args: object) => ({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name, arguments: args },
  })
  for (let count = 0; !world.isOver; count++) {
    const list = JSON.parse(await ask(world, 'GET', `${mail}/messages?limit=20`)) as { items: { ref: string }[] }
    const { ref } = list.items[count % list.items.length]!
    await ask(world, 'GET', `${mail}/messages/${encodeURIComponent(ref)}`)
    await ask(world, 'GET', `${mail}/search?q=subject%3A${count % 50}`)
    await ask(world, 'GET', '/api/dashboard/stats')
    await ask(world, 'GET', '/api/dashboard/facts?limit=50')
    await callTool(world, tool('mail_search', { q: `subject:${count % 50}` }))
    await wait(pauseMs)
  }
}

async function callTool(world: World, message: object): Promise<void> {
  const answer = await fetch(`${world.url}/mcp`, {
    method: 'POST',
    headers: { ...headers, accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-06-18' },
    body: JSON.stringify(message),
  })
  await answer.text()
  if (!answer.ok) throw new Error(`a tool answered ${answer.status}`)
  world.done++
}

async function mails(world: World, dovecot: Dovecot): Promise<void> {
  for (let index = 50; !world.isOver; index++) {
    await deliver(dovecot, index)
    await wait(1_000)
  }
}

async function deliver(dovecot: Dovecot, index: number): Promise<void> {
  const html = `<p>Message ${index}</p>`.repeat(200)
  await dovecot.appendMessage(
    'alice@test.local',
    `From: a@test.local\nSubject: ${index}\nContent-Type: text/html\n\n${html}\n`,
  )
}

/** Each stream reads for some seconds, disconnects, and resumes from its place. */
function comingAndGoing(world: World): Promise<void>[] {
  return Array.from({ length: streams }, async (_, index) => {
    let last = ''
    while (!world.isOver) {
      const ending = AbortSignal.timeout(3_000 + index * 500)
      const place = last === '' ? {} : { 'last-event-id': last }
      try {
        const stream = await fetch(`${world.url}/api/dashboard/events`, {
          headers: { ...headers, ...place },
          signal: ending,
        })
        for await (const chunk of stream.body!.pipeThrough(new TextDecoderStream())) {
          last = /^id: (.+)$/gm.exec(chunk)?.[1] ?? last
        }
      } catch (error) {
        if (!ending.aborted) throw error
      }
    }
  })
}
