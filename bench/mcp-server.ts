/**
 * The real server for the MCP benchmark: an account with a full index and a mail server in a process of its own.
 * `--program`: built, as users run it; otherwise in this process, with a command for its memory. `--tokens N` creates N
 * users, each with a reader's token.
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
  // The parent sends commands on stdin, whose end stops the server.
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
    // Memory is measured as the product itself holds it.
    true,
  )
}
process.exit(0)
