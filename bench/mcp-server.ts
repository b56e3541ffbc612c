/**
 * The real server for the benchmark of MCP: an account whose index is full, whose mail server is a process of its own. `--program`: built, as users
 * run it; else in this process, with a command for its memory. `--tokens N` makes as many people, each with a token as of a reader.
 */
import '../bin/v8-flags.js'
import { createInterface } from 'node:readline'
import { withIndexedApp, withIndexedProgram } from './indexed-app.ts'
import { apiKey } from './measure.ts'
import { makeTokens } from './proxied-streams.ts'

const messages = Number(process.env.RUSTYMAIL_BENCH_MESSAGES ?? 20_000)
const tokens = Number(process.argv[process.argv.indexOf('--tokens') + 1] ?? 0)
const adapter = process.env.RUSTYMAIL_MCP_ADAPTER
const environment = adapter === undefined ? {} : { RUSTYMAIL_MCP_ADAPTER: adapter }

interface Running {
  url: string
  accountId: string
  pid: number
  dataDir: string
}

async function serve({ url, accountId, pid, dataDir }: Running): Promise<object> {
  const made = tokens > 0 ? await makeTokens(dataDir, tokens, ['mail:read'], 'operator') : []
  console.log(JSON.stringify({ url, accountId, pid, key: apiKey, tokens: made }))
  // Its parent asks on stdin, and the end of that ends it.
  for await (const line of createInterface({ input: process.stdin })) {
    if (line !== 'memory') break
    globalThis.gc?.()
    console.log(JSON.stringify(process.memoryUsage()))
  }
  return {}
}

if (process.argv.includes('--program')) {
  await withIndexedProgram(messages, serve, environment)
} else {
  await withIndexedApp(
    messages,
    ({ link, ...app }) => serve({ ...app, url: new URL(link).origin, pid: process.pid }),
    environment,
    // What is measured is what the product holds.
    true,
  )
}
process.exit(0)
