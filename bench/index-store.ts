/**
 * The cost of indexing 100,000 varied messages, headers first and then their texts, and of listing them, on both
 * databases.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { IndexHome } from '../server/index/index-databases.ts'
import type { IndexOperations } from '../server/index/index-operations.ts'
import { IndexThreads } from '../server/index/index-threads.ts'
import { startPostgres } from '../test/support/postgres-setup.ts'
import { corpus } from './index-corpus.ts'
import { fillIndex } from './index-fill.ts'
import { median, round } from './measure.ts'

const lists = 300

export async function indexStore(): Promise<object> {
  const count = Number(process.env.MESSAGES ?? 100_000)
  const dir = mkdtempSync(join(tmpdir(), 'rustymail-bench-'))
  try {
    const sqlite = await measure({ dir }, count)
    const postgres = await startPostgres()
    try {
      return { what, messages: count, sqlite, postgres: await measure({ postgresUrl: postgres.url }, count) }
    } finally {
      await postgres.stop()
    }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

const what =
  `Through IndexThreads, headers in batches of 200, texts of 50: messages a second, µs of the processor of all threads of this process a message ` +
  `(PostgreSQL's own are not in it), bytes a message; then ms for ${lists} lists of 50, one after the other`

async function measure(home: IndexHome, count: number): Promise<object> {
  const failed = (accountId: string) => {
    throw new Error(`the index of ${accountId} was damaged`)
  }
  const threads = new IndexThreads({ home, damaged: failed })
  try {
    const index = threads.of('bench')
    await index.applyFolders([{ path: 'INBOX', role: 'inbox', isSelectable: true, mailboxId: null }], 1)
    const messages = [...corpus(count)]
    const headers = await timed(count, () => fillIndex(index, messages, 'headers'))
    const withHeaders = await index.figures()
    const listed = await listing(index)
    const texts = await timed(count, () => fillIndex(index, messages, 'texts'))
    const figures = await index.figures()
    const textBytes = messages.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0)
    return {
      headers: { ...headers, bytes_each: Math.round(withHeaders.bytes / count) },
      texts: {
        ...texts,
        bytes_each: Math.round((figures.bytes - withHeaders.bytes) / count),
        text_bytes_each: Math.round(textBytes / count),
      },
      index_bytes_per_text_byte: round(figures.bytes / textBytes),
      threads: figures.threads,
      lists_with_headers: listed,
      lists_with_texts: await listing(index),
    }
  } finally {
    await threads.close()
  }
}

async function timed(count: number, work: () => Promise<void>) {
  const began = performance.now()
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  const seconds = (performance.now() - began) / 1000
  return { messages_per_second: Math.round(count / seconds), cpu_us_each: round((user + system) / count) }
}

async function listing(index: IndexOperations): Promise<Record<string, Record<string, number>>> {
  const queries: Record<string, () => Promise<unknown>> = {
    newest_50: () => index.listMessages({ path: 'INBOX', limit: 50 }),
    threads_of_folder: () => index.listThreads({ path: 'INBOX', limit: 50 }),
    threads_of_account: () => index.listThreads({ limit: 50 }),
  }
  const figures: Record<string, Record<string, number>> = {}
  for (const [name, query] of Object.entries(queries)) {
    const took: number[] = []
    for (let number = 0; number < lists; number++) {
      const began = performance.now()
      await query()
      took.push(performance.now() - began)
    }
    took.sort((one, other) => one - other)
    figures[name] = { p50_ms: round(median(took)), p95_ms: round(took[Math.floor(lists * 0.95)]!) }
  }
  return figures
}
