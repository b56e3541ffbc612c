/**
 * Searches over RustyMail's API, in an index that its own store filled before the server started: newest first and
 * ranked, by one caller, in wall-clock time and in CPU time of all threads. The account's mail server is unreachable,
 * so that only the index answers.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { IndexDatabases } from '../server/index/index-databases.ts'
import { indexParts } from '../server/index/index-parts.ts'
import { startDovecot } from '../test/support/dovecot.ts'
import { corpus } from './index-corpus.ts'
import { fillIndex } from './index-fill.ts'
import { apiKey, connectAlice, preciseCpuMs, round, startRustyMail, unlimited } from './measure.ts'

const messages = Number(process.env.RUSTYMAIL_BENCH_MESSAGES ?? 100_000)
const rounds = 5
const queries =
  'the|and of|t*|th*|co*|"of the"|subject:the|from:a*|会議|请查收附件|the -and|the OR order|zebrafish|qqq*|"best regards"|the has:attachment|the is:flagged'
const orders = { newest: 'sort=date', ranked: 'sort=relevance', with_facets: 'sort=date&facets=true' }
const load = () => loadavg().map(each => round(each))

export async function indexSearchApi(): Promise<object> {
  const dir = mkdtempSync(join(tmpdir(), 'rustymail-bench-'))
  // Only errors are logged, since the mail server is known to be down.
  const environment = { ...unlimited, RUSTYMAIL_INDEX: 'text', RUSTYMAIL_LOG_LEVEL: 'error' }
  try {
    const accountId = await account(dir)
    const databases = new IndexDatabases({ dir: join(dir, 'index') }, indexParts, { isReader: false })
    await databases.use(accountId, async index => {
      await index.applyFolders([{ path: 'INBOX', role: 'inbox', isSelectable: true, mailboxId: null }], 1)
      const all = [...corpus(messages)]
      for (const what of ['headers', 'texts'] as const) await fillIndex(index, all, what)
      while (await index.tidy());
    })
    await databases.close()
    const server = await startRustyMail(dir, environment)
    try {
      const url = `${server.url}/api/v1/accounts/${accountId}/search`
      return {
        what: `ms of a search of ${messages} messages at the API (SQLite): ${rounds - 1} rounds of all searches, the fastest round of each search, and processor of all threads`,
        load_before: load(),
        ...(await search(url, server.pid)),
        load_after: load(),
        target: 'p95 <= 30 ms newest first, <= 70 ms ranked',
      }
    } finally {
      await server.stop()
    }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Creates an account with an empty mailbox, and then stops its mail server. */
async function account(dir: string): Promise<string> {
  const dovecot = await startDovecot()
  try {
    const server = await startRustyMail(dir, { ...unlimited, RUSTYMAIL_INDEX: 'off' })
    const id = await connectAlice(server.url, dovecot.imapPort)
    await server.stop()
    return id
  } finally {
    await dovecot.stop()
  }
}

async function search(url: string, pid: number): Promise<object> {
  const figures: Record<string, object> = {}
  for (const [name, order] of Object.entries(orders)) {
    const took: number[] = []
    const fastest = new Map<string, number>()
    const processor = new Map<string, number>()
    for (let turn = 0; turn < rounds; turn++) {
      for (const query of queries.split('|')) {
        const [began, before] = [performance.now(), preciseCpuMs(pid)]
        await ask(`${url}?limit=50&${order}&q=${encodeURIComponent(query)}`)
        // The first round fills caches.
        if (turn === 0) continue
        const ms = performance.now() - began
        took.push(ms)
        fastest.set(query, Math.min(ms, fastest.get(query) ?? Number.POSITIVE_INFINITY))
        const used = preciseCpuMs(pid) - before
        processor.set(query, Math.min(used, processor.get(query) ?? Number.POSITIVE_INFINITY))
      }
    }
    const [all, least, used] = [took, [...fastest.values()], [...processor.values()]].map(spread)
    figures[name] = { ...all, fastest_of_each: least, processor_of_each: used }
  }
  return figures
}

function spread(all: number[]): { p50: number; p95: number } {
  all.sort((one, other) => one - other)
  return { p50: round(all[Math.floor(all.length * 0.5)]!), p95: round(all[Math.floor(all.length * 0.95)]!) }
}

async function ask(url: string): Promise<void> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${apiKey}` } })
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  const { coverage } = (await response.json()) as { coverage: { answered_by: string }[] }
  if (coverage[0]?.answered_by !== 'index')
    throw new Error(`it was not the index that answered: ${JSON.stringify(coverage)}`)
}
