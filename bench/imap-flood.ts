/**
 * Lists of an account on Dovecot, one request after the other, while other accounts are connected to mail servers that
 * behave, or that flood. Rounds alternate, and each creates the other accounts first, so that their flooded connections
 * are included.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { type Dovecot, startDovecot } from '../test/support/dovecot.ts'
import { type FloodScript, startFloodingImap } from '../test/support/flooding-imap.ts'
import { apiKey, cpuMs, median, round, rssBytes, type Server, startRustyMail } from './measure.ts'

const rounds = Number(process.env.RUSTYMAIL_BENCH_ROUNDS ?? 3)
const roundMs = 6_000
const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }

const floods: Record<string, FloodScript> = {
  'lines before the tag of LOGIN': { at: 'LOGIN', again: '* OK hi\r\n' },
  'EXISTS during IDLE': { at: 'IDLE', again: '* 1 EXISTS\r\n' },
  'rows of FETCH during IDLE': { at: 'IDLE', again: '* 1 FETCH (FLAGS (\\Seen))\r\n' },
  'a line without an end during IDLE': { at: 'IDLE', begin: '* OK ', again: 'x' },
}

interface Round {
  p50: number
  p99: number
  requests: number
  failed: number
  cpuPercent: number
  rssMib: number
  causes: string[]
}

export async function imapFlood(): Promise<object> {
  const dovecot = await startDovecot()
  const rustymail = await startRustyMail()
  try {
    const path = await listPath(dovecot, rustymail)
    await measure(rustymail, path, 2_000)
    const results: object[] = []
    for (const servers of [1, 20]) {
      for (const [what, script] of Object.entries(floods))
        results.push(await compare(rustymail, path, what, script, servers))
    }
    return {
      what: `GET of 20 messages of an account on Dovecot, one after the other, for ${roundMs} ms; ${rounds} rounds of each kind in turns, medians`,
      target: 'p99 of others <= 2 x quiet',
      floods: results,
    }
  } finally {
    await rustymail.stop()
    await dovecot.stop()
  }
}

async function compare(rustymail: Server, path: string, what: string, script: FloodScript, servers: number) {
  const [quiet, flooded]: [Round[], Round[]] = [[], []]
  for (let turn = 0; turn < rounds; turn++) {
    quiet.push(await beside(rustymail, path, {}, servers))
    flooded.push(await beside(rustymail, path, script, servers))
  }
  const of = (all: Round[], name: 'p50' | 'p99' | 'requests' | 'cpuPercent') => round(median(all.map(one => one[name])))
  const most = (all: Round[]) => round(Math.max(...all.map(one => one.rssMib)))
  return {
    flood: what,
    servers,
    quiet_p50_ms: of(quiet, 'p50'),
    flood_p50_ms: of(flooded, 'p50'),
    quiet_p99_ms: of(quiet, 'p99'),
    flood_p99_ms: of(flooded, 'p99'),
    p99_ratio: round(of(flooded, 'p99') / of(quiet, 'p99')),
    quiet_requests: of(quiet, 'requests'),
    flood_requests: of(flooded, 'requests'),
    flood_failed: flooded.reduce((sum, one) => sum + one.failed, 0),
    quiet_cpu_percent: of(quiet, 'cpuPercent'),
    flood_cpu_percent: of(flooded, 'cpuPercent'),
    quiet_rss_mib: most(quiet),
    flood_rss_mib: most(flooded),
    flood_causes: [...new Set(flooded.flatMap(one => one.causes))].sort(),
  }
}

/** Runs one round, with accounts that exist only in it. */
async function beside(rustymail: Server, path: string, script: FloodScript, servers: number): Promise<Round> {
  const imap = await startFloodingImap(script)
  const ids = await Promise.all(
    Array.from({ length: servers }, (_, index) => addAccount(rustymail.url, imap.port, `flood${index}@test.local`)),
  )
  const result = await measure(rustymail, path, roundMs)
  const states = await Promise.all(ids.map(id => call(rustymail.url, `/api/dashboard/accounts/${id}`)))
  const causes = states.map(({ state, last_error }) => `${state}: ${last_error?.cause ?? 'no error'}`)
  await Promise.all(ids.map(id => call(rustymail.url, `/api/dashboard/accounts/${id}`, 'DELETE')))
  await imap.stop()
  await wait(500)
  return { ...result, causes }
}

async function measure({ url, pid }: Server, path: string, ms: number): Promise<Omit<Round, 'causes'>> {
  const times: number[] = []
  let failed = 0
  const before = cpuMs(pid)
  const began = performance.now()
  for (let now = began; now - began < ms; ) {
    const response = await fetch(`${url}${path}`, { headers })
    await response.text()
    if (response.status !== 200) failed++
    const after = performance.now()
    times.push(after - now)
    now = after
  }
  const cpuPercent = ((cpuMs(pid) - before) / (performance.now() - began)) * 100
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))]!
  return { p50: at(0.5), p99: at(0.99), requests: times.length, failed, cpuPercent, rssMib: rssBytes(pid) / 2 ** 20 }
}

async function listPath(dovecot: Dovecot, { url }: Server): Promise<string> {
  const [user] = dovecot.users
  if (!user) throw new Error('Dovecot has no user')
  const outside = await dovecot.login(user.user)
  for (let index = 0; index < 40; index++) {
    await outside.append('INBOX', `From: Anna <anna@example.org>\r\nSubject: Minutes ${index}\r\n\r\nhello\r\n`)
  }
  outside.close()
  const id = await addAccount(url, dovecot.imapPort, user.user, user.password)
  return `/api/v1/accounts/${id}/messages?limit=20`
}

async function addAccount(url: string, port: number, email: string, password = 'p'): Promise<string> {
  const imap = { host: '127.0.0.1', port, tls: 'none', user: email, password }
  const { id } = await call(url, '/api/dashboard/accounts?verify=false', 'POST', { email, imap })
  if (!id) throw new Error('no account')
  return id
}

interface Answer {
  id?: string
  state?: string
  last_error?: { cause: string } | null
}

async function call(url: string, path: string, method = 'GET', body?: object): Promise<Answer> {
  const sent = body ? { body: JSON.stringify(body) } : {}
  const { authorization } = headers
  const response = await fetch(`${url}${path}`, { method, headers: body ? headers : { authorization }, ...sent })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text === '' ? {} : JSON.parse(text)
}
