/**
 * The newest 50 messages of an indexed mailbox over the API by one caller, on an idle server, and during repeated
 * downloads of a 25 MB attachment and searches: rounds in turn, and medians of their percentiles. Two floors: a server
 * of Node's `http` in its own process that answers the same bytes from memory, beside the same downloads and searches
 * of RustyMail; and both beside a process that only occupies one CPU.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { join } from 'node:path'
import { startDovecot } from '../test/support/dovecot.ts'
import { fillMaildir } from './large-mailbox.ts'
import {
  apiKey,
  connectAlice,
  get,
  mainCpuMs,
  median,
  preciseCpuMs,
  round,
  startRustyMail,
  startServer,
  unlimited,
} from './measure.ts'

const messages = Number(process.env.MESSAGES ?? 100_000)
const rounds = Number(process.env.ROUNDS ?? 7)
const secondsEach = Number(process.env.SECONDS_EACH ?? 6)
/** Seconds without lists, which show what lists cost a download and searches. */
const secondsAlone = Math.min(2, secondsEach)
const attachmentBytes = 25 * 1024 * 1024
const authorization = `Bearer ${apiKey}`

/** The load beside the lists, in processes of its own, so that reading it is not measured. */
const loads = {
  nothing: [],
  one_processor: ['processor'],
  a_download: ['download'],
  searches: ['search'],
  both: ['download', 'search'],
} as const
type Load = keyof typeof loads
/** The loads to compare: only these unless `LOADS=all`. */
const compared: Load[] =
  process.env.LOADS === 'all' ? (Object.keys(loads) as Load[]) : ['nothing', 'one_processor', 'both']

export async function listBesideDownload(): Promise<object> {
  const fill = (directory: string) => fillMaildir(join(directory, 'alice@test.local', 'Maildir'), messages)
  const dovecot = await startDovecot({ fill })
  const rustymail = await startRustyMail(undefined, { ...unlimited, RUSTYMAIL_INDEX: 'text' })
  const agent = new Agent({ keepAlive: true, maxSockets: 4 })
  const stops: (() => Promise<void>)[] = []
  try {
    await dovecot.appendMessage('alice@test.local', largeMessage())
    const accountId = await connectAlice(rustymail.url, dovecot.imapPort)
    const account = `${rustymail.url}/api/v1/accounts/${accountId}`
    const ref = await untilIndexed(account)
    const list = `${account}/messages?limit=50`
    const bare = await serveBytes(list)
    stops.push(bare.stop)
    const lists = { list, floor: bare.url }
    const urls = {
      download: `${account}/messages/${ref}/attachments/2`,
      search: `${account}/search?q=message&limit=50&facets=true`,
      processor: '',
    }
    const none = () => Object.fromEntries(compared.map(load => [load, [] as Measured[]])) as Record<Load, Measured[]>
    const found = { list: none(), floor: none() }
    const alone: Record<string, number>[] = []
    for (const what of asked) await measure(lists[what], agent, rustymail.pid, 1)
    for (let turn = 0; turn < rounds; turn++) {
      for (const load of compared) {
        const beside = await Promise.all(loads[load].map(kind => repeat(kind, urls[kind])))
        for (const what of asked) {
          const before = beside.map(({ count }) => count())
          const measured = await measure(lists[what], agent, rustymail.pid, secondsEach)
          found[what][load].push({ ...measured, beside: rates(loads[load], beside, before, secondsEach) })
        }
        if (load === 'both') {
          const before = beside.map(({ count }) => count())
          await new Promise(resolve => setTimeout(resolve, secondsAlone * 1000))
          alone.push(rates(loads[load], beside, before, secondsAlone))
        }
        for (const each of beside) await each.stop()
      }
    }
    const [ofList, ofFloor] = asked.map(what => {
      const under = Object.fromEntries(compared.map(load => [load, medians(found[what][load])]))
      const times = (name: 'p50' | 'p95', load: Load = 'both') => round(under[load]![name] / under.nothing![name])
      return {
        ...under,
        p95_times_quiet: times('p95'),
        p50_times_quiet: times('p50'),
        p95_times_quiet_of_one_processor: times('p95', 'one_processor'),
      }
    })
    return {
      what: `ms of a list of 50 of ${messages} messages, one caller, ${rounds} rounds of ${secondsEach} s in turn, medians of rounds`,
      ...ofList,
      floor: ofFloor,
      without_lists: rateMedians(alone),
      target: 'p95 within 1.5 times of the quiet one',
    }
  } finally {
    agent.destroy()
    for (const stop of stops) await stop()
    await rustymail.stop()
    await dovecot.stop()
  }
}

function largeMessage(): string {
  const file = randomBytes(attachmentBytes).toString('base64').replaceAll(/.{76}/g, '$&\r\n')
  const head =
    'From: Bob <bob@test.local>\r\nSubject: large\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n'
  const part =
    'Content-Type: application/zip\r\nContent-Disposition: attachment; filename=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n'
  return `${head}--b\r\n\r\nhello\r\n--b\r\n${part}${file}\r\n--b--\r\n`
}

/** Waits until lists come from the index and all texts are in it. Returns the large message. */
async function untilIndexed(account: string): Promise<string> {
  const ask = async (path: string) => (await fetch(`${account}/${path}`, { headers: { authorization } })).json()
  for (;;) {
    const { source, items } = (await ask('messages?limit=50')) as {
      source: string
      items: { ref: string; subject: string }[]
    }
    const { coverage } = (await ask('search?q=large&server=never')) as {
      coverage: [{ index: { texts: number } | null }]
    }
    const large = items.find(({ subject }) => subject === 'large')
    if (source === 'index' && large && coverage[0].index?.texts === messages + 1) return large.ref
    await new Promise(resolve => setTimeout(resolve, 500))
  }
}

/** What is requested beside a load. */
const asked = ['list', 'floor'] as const

interface Measured {
  p50: number
  p95: number
  main_cpu_ms_each: number
  server_cpu_ms_each: number
  beside?: Record<string, number>
}

async function measure(url: string, agent: Agent, pid: number, seconds: number): Promise<Measured> {
  const times: number[] = []
  const before = [mainCpuMs(pid), preciseCpuMs(pid)] as const
  for (const end = performance.now() + seconds * 1000; performance.now() < end; ) {
    const began = performance.now()
    await get(url, agent)
    times.push(performance.now() - began)
    // A person or a page does not send the next request in the same millisecond.
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  const after = [mainCpuMs(pid), preciseCpuMs(pid)] as const
  times.sort((one, other) => one - other)
  const at = (share: number) => round(times[Math.min(times.length - 1, Math.floor(times.length * share))]!)
  const each = (index: 0 | 1) => round((after[index] - before[index]) / times.length)
  return { p50: at(0.5), p95: at(0.95), main_cpu_ms_each: each(0), server_cpu_ms_each: each(1) }
}

function medians(measured: readonly Measured[]) {
  const of = (name: 'p50' | 'p95' | 'main_cpu_ms_each' | 'server_cpu_ms_each') =>
    median(measured.map(each => each[name]))
  return {
    ...{ p50: of('p50'), p95: of('p95'), p95_of_rounds: measured.map(({ p95 }) => p95) },
    ...{ main_cpu_ms_each: of('main_cpu_ms_each'), server_cpu_ms_each: of('server_cpu_ms_each') },
    ...rateMedians(measured.flatMap(each => (each.beside ? [each.beside] : []))),
  }
}

/** Serves from memory what this address returns now, whatever the path. */
async function serveBytes(url: string): Promise<{ url: string; stop(): Promise<void> }> {
  const code = `const { createServer } = await import('node:http')
    const [url, authorization] = process.argv.slice(1)
    const body = Buffer.from(await (await fetch(url, { headers: { authorization } })).arrayBuffer())
    const head = { 'content-type': 'application/json', 'content-length': body.length }
    const server = createServer((_, answer) => answer.writeHead(200, head).end(body))
    server.listen(0, '127.0.0.1', () => console.log('listens on http://127.0.0.1:' + server.address().port))`
  const server = await startServer(['--input-type=module', '-e', code, url, authorization])
  return { url: server.url, stop: server.stop }
}

/** Returns MiB of downloads, and searches, per second. */
function rates(
  kinds: readonly Kind[],
  beside: readonly { count(): number }[],
  before: readonly number[],
  seconds: number,
): Record<string, number> {
  return Object.fromEntries(kinds.map((kind, at) => [kind, (beside[at]!.count() - before[at]!) / seconds]))
}

function rateMedians(rates: readonly Record<string, number>[]): Record<string, number> {
  const of = (kind: Kind) => round(median(rates.map(each => each[kind] ?? 0)))
  return { download_mib_per_second: of('download'), searches_per_second: of('search') }
}

type Kind = 'download' | 'search' | 'processor'

/** Repeats a request in a process of its own, and counts MiB of downloads, or completed searches. */
async function repeat(kind: Kind, url: string): Promise<{ count(): number; stop(): Promise<void> }> {
  const asking = `const [kind, url, authorization] = process.argv.slice(1)
    for (let bytes = 0; ; ) {
      const answer = await fetch(url, { headers: { authorization } })
      if (!answer.ok) throw new Error('answered ' + answer.status)
      for await (const piece of answer.body) {
        bytes += kind === 'download' ? piece.length : 0
        for (; bytes >= 1048576; bytes -= 1048576) process.stdout.write('.')
      }
      if (kind !== 'download') process.stdout.write('.')
    }`
  const code = kind === 'processor' ? "process.stdout.write('.'); for (;;);" : asking
  const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', code, kind, url, authorization], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let count = 0
  child.stdout!.on('data', (dots: Buffer) => {
    count += dots.length
  })
  await once(child.stdout!, 'data')
  count = 0
  const closed = once(child, 'close')
  return {
    count: () => count,
    stop: async () => {
      child.kill('SIGKILL')
      await closed
    },
  }
}
