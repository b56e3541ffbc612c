/** `npm run bench -- <name>`: runs one benchmark with its peer beside it and writes the figures to bench/results/. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { alertTold } from './alert-told.ts'
import { analyticsPage } from './analytics-page.ts'
import { approvals } from './approvals.ts'
import { assistant } from './assistant.ts'
import { assistantChain } from './assistant-chain.ts'
import { audience } from './audience.ts'
import { autoconfig } from './autoconfig.ts'
import { backTests } from './back-test.ts'
import { events } from './events.ts'
import { firstList } from './first-list.ts'
import { firstStreams } from './first-streams.ts'
import { gate } from './gate.ts'
import { history } from './history.ts'
import { hostileMail } from './hostile-mail.ts'
import { hostileRead } from './hostile-read.ts'
import { hostileRequests } from './hostile-requests.ts'
import { htmlTextCost } from './html-text.ts'
import { idleAccounts } from './idle-accounts.ts'
import { imapFlood } from './imap-flood.ts'
import { indexLists } from './index-lists.ts'
import { indexSearch } from './index-search.ts'
import { indexSearchApi } from './index-search-api.ts'
import { indexSize } from './index-size.ts'
import { indexStore } from './index-store.ts'
import { indexSync } from './index-sync.ts'
import { listBesideDownload } from './list-beside-download.ts'
import { log } from './log.ts'
import { logOnPostgres } from './log-postgres.ts'
import { mailScroll } from './mail-scroll.ts'
import { mcp } from './mcp.ts'
import { mcpEvents } from './mcp-events.ts'
import { mcpStdio } from './mcp-stdio.ts'
import { newMail } from './new-mail.ts'
import { openFolder } from './open-folder.ts'
import { organise } from './organise.ts'
import { outage } from './outage.ts'
import { outbox } from './outbox.ts'
import { proxiedStreams } from './proxied-streams.ts'
import { requests } from './requests.ts'
import { signInFlood } from './sign-in-flood.ts'
import { slowDisk } from './slow-disk.ts'
import { soak } from './soak.ts'
import { sqlite } from './sqlite.ts'
import { startup } from './startup.ts'
import { stats } from './stats.ts'
import { streamBurst } from './stream-burst.ts'
import { tracing } from './tracing.ts'
import { trailRead } from './trail-read.ts'
import { webhooks } from './webhooks.ts'

/** Each returns its figures as plain data. Those with a `variant` are written to a file of their own. */
const benchmarks: Record<string, () => Promise<object & { variant?: string }>> = {
  stats,
  approvals,
  'assistant-chain': assistantChain,
  assistant,
  autoconfig,
  gate,
  mcp,
  'mcp-events': mcpEvents,
  'mcp-stdio': mcpStdio,
  'new-mail': newMail,
  soak,
  'open-folder': openFolder,
  organise,
  outage,
  outbox,
  startup,
  sqlite,
  'index-lists': indexLists,
  'index-search': indexSearch,
  'index-search-api': indexSearchApi,
  'index-size': indexSize,
  'list-beside-download': listBesideDownload,
  events,
  audience,
  'sign-in-flood': signInFlood,
  'alert-told': alertTold,
  'analytics-page': analyticsPage,
  'back-test': backTests,
  history,
  'hostile-mail': hostileMail,
  'hostile-read': hostileRead,
  'hostile-requests': hostileRequests,
  'html-text': htmlTextCost,
  'idle-accounts': idleAccounts,
  'imap-flood': imapFlood,
  'index-store': indexStore,
  'index-sync': indexSync,
  log,
  'mail-scroll': mailScroll,
  'slow-disk': slowDisk,
  'log-postgres': logOnPostgres,
  'proxied-streams': proxiedStreams,
  'first-list': firstList,
  'first-streams': firstStreams,
  'stream-burst': streamBurst,
  tracing,
  'trail-read': trailRead,
  requests,
  webhooks,
}

const wanted = process.argv.slice(2)
const names = wanted.length > 0 ? wanted : Object.keys(benchmarks)
const machine = {
  cpu: cpus()[0]?.model,
  processors: cpus().length,
  memory_gib: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  platform: process.platform,
}

for (const name of names) {
  const benchmark = benchmarks[name]
  if (!benchmark) throw new Error(`there is no benchmark ${name}; there are ${Object.keys(benchmarks).join(', ')}`)
  console.log(`\n${name}`)
  const { variant, ...figures } = await benchmark()
  const result = { benchmark: name, date: new Date().toISOString(), machine, ...figures }
  const dir = join(import.meta.dirname, 'results')
  mkdirSync(dir, { recursive: true })
  const file = join(dir, `${[name, variant ?? [], result.date.slice(0, 10)].flat().join('-')}.json`)
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`)
  console.log(JSON.stringify(result, null, 2))
}
