/**
 * Prints our own source files that one request enters: `node scripts/run.js scripts/request-files.ts`. V8 counts calls
 * on the main thread of a running server during one request. A file counts if each of several such requests enters it,
 * which excludes timers that fire in one of them; functions that also run all the time without a request are left out.
 * Only `contract/` and `server/` are counted, which excludes the sandbox and this script.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { api } from '../contract/index.ts'
import { createApp } from '../server/app.ts'
import { loadConfig } from '../server/config.ts'
import { createLogger } from '../server/platform/logger.ts'
import { People } from '../test/support/people.ts'
import { enter } from '../test/support/signed-in.ts'

const rounds = 8
const root = join(import.meta.dirname, '..')
const home = mkdtempSync(join(tmpdir(), 'rustymail-request-files-'))
const variables = { RUSTYMAIL_PORT: '0', RUSTYMAIL_DATA_DIR: home }
const app = createApp(loadConfig(['--demo'], variables), { logger: createLogger('silent') })
const folders = ['contract', 'server'].map(folder => `file://${join(root, folder)}/`)
/** Functions that timers call all the time, which no request has called. */
let idle = new Set<string>()
/** Asked for once, so that no request of `mcp` enters the files that know it. */
let endpoint = ''
const session = new Session()
session.connect()
try {
  await app.start()
  const people = new People(app.address, await enter(app.address, (await app.createSetupLink())?.split('#')[1]))
  endpoint = `${app.address}/mcp`
  const { items: accounts } = await people.tell<Items>(people.admin, 'GET', api.accounts.listAccounts.path)
  const account = accounts[0]!.id!
  const token = await people.token(['mail:read'], [account])
  // Until the index is complete, some lists come from the mail server.
  const index = api.mailIndex.getIndex.path.replace('{account_id}', account)
  const isComplete = async () => (await people.tell<{ state: string }>(people.admin, 'GET', index)).state === 'complete'
  while (!(await isComplete())) await wait(100)
  const list = api.mail.listMessages.path.replace('{account_id}', account)
  const ask = () => people.tell<Items>(token.proof, 'GET', `${list}?folder=INBOX&limit=25`)
  const refs = (await ask()).items.map(item => item.ref!)
  const read = (index: number) => mcp(token.proof, 'mail_read', { refs: [`${account}.${refs[index % refs.length]}`] })
  // Lazily loaded modules are loaded by now.
  for (let round = 0; round < 3; round++) await read(rounds + round)
  idle = await calledWhileIdle()
  await report('GET …/messages', ask)
  await report('MCP mail_read', read)
  await report('MCP mail_read of a cached message', () => read(0))
} finally {
  session.disconnect()
  await app.stop()
  rmSync(home, { recursive: true, force: true })
}

interface Items {
  items: { id?: string; ref?: string }[]
}

async function mcp(proof: Record<string, string>, name: string, args: object): Promise<void> {
  const headers = { ...proof, 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } })
  const answer = await fetch(endpoint, { method: 'POST', headers, body })
  const text = await answer.text()
  if (!answer.ok || text.includes('"isError":true')) throw new Error(`${name}: ${answer.status} ${text}`)
}

async function report(what: string, request: (round: number) => Promise<unknown>): Promise<void> {
  const entered: Set<string>[] = []
  for (let round = 0; round < rounds; round++) {
    // Audit entries of the last request are written by now.
    await wait(500)
    const called = await calledDuring(() => request(round))
    entered.push(new Set([...called].filter(one => !idle.has(one)).map(fileOf)))
  }
  const always = [...entered[0]!].filter(file => entered.every(set => set.has(file))).sort()
  const sometimes = new Set(entered.flatMap(set => [...set]).filter(file => !always.includes(file)))
  console.log(`${what}: ${always.length} files${always.map(file => `\n  ${file}`).join('')}`)
  console.log(`  not by each request: ${[...sometimes].sort().join(', ') || 'none'}\n`)
}

/** Returns the functions that run again and again while nothing is requested. */
async function calledWhileIdle(): Promise<Set<string>> {
  let always = await calledDuring(() => wait(100))
  for (let round = 1; round < rounds; round++) {
    const called = await calledDuring(() => wait(100))
    always = new Set([...always].filter(one => called.has(one)))
  }
  return always
}

/** Returns our own functions that are called meanwhile, as `server/file.ts:offset`. */
async function calledDuring(work: () => Promise<unknown>): Promise<Set<string>> {
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
  await work()
  const { result } = await session.post('Profiler.takePreciseCoverage')
  await session.post('Profiler.stopPreciseCoverage')
  const own = result.filter(({ url }) => folders.some(folder => url.startsWith(folder)))
  return new Set(
    own.flatMap(({ url, functions }) =>
      functions.flatMap(({ ranges: [range] }) =>
        range && range.count > 0 ? [`${relative(root, fileURLToPath(url))}:${range.startOffset}`] : [],
      ),
    ),
  )
}

function fileOf(called: string): string {
  return called.slice(0, called.lastIndexOf(':'))
}
