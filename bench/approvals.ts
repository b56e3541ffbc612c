/**
 * Measures from a program's request (REST and MCP) until a human's open stream reports it, and from a human's freeze of
 * the program until neither its calls nor its messages in the outbox go through. Takes less than a minute.
 */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { api } from '../contract/index.ts'
import { mcpPath } from '../contract/mcp.ts'
import { defaultPolicy, type TokenPolicy } from '../contract/policy.ts'
import { startDovecot } from '../test/support/dovecot.ts'
import { openStream } from '../test/support/open-stream.ts'
import { enter } from '../test/support/signed-in.ts'
import { SmtpSink } from '../test/support/smtp-sink.ts'
import { round, startRustyMail, unlimited } from './measure.ts'

const asked = 100
const freezes = 20
const waiting = 100
const atOnce = 10
/** Messages that leave before the freeze. */
const left = 15
/** Milliseconds within which all of them are due. */
const dueInMs = 20_000
/** Milliseconds after a freeze, and after the last message, in which nothing more may leave. */
const watchedMs = 2_000
const noRates = {
  ...{ max_per_hour: null, max_per_day: null, max_recipients_per_hour: null, max_recipients_per_day: null },
}

export async function approvals(): Promise<object> {
  const sink = new SmtpSink({ isCounting: false })
  const port = await sink.start()
  const dovecot = await startDovecot()
  const server = await startRustyMail(undefined, { ...unlimited, RUSTYMAIL_INDEX: 'off' })
  try {
    const world = await prepare(server.url, (await server.secondLine).split('#')[1]!, {
      imap: dovecot.imapPort,
      smtp: port,
    })
    return {
      what: `${asked} messages over REST and over MCP, asked for one after the other; ${freezes} freezes while two callers call all the time; ${waiting} messages that are due`,
      ...(await untilHeard(world)),
      freeze_to_refused: await untilRefused(world),
      freeze_to_last_sent: await untilHeld(world, sink),
      target: 'p95 of each at most 1,000 ms; late and sent_twice are 0',
    }
  } finally {
    await server.stop()
    await dovecot.stop()
    await sink.stop()
  }
}

type World = Awaited<ReturnType<typeof prepare>>
type Proof = Record<string, string>

interface Written {
  id: string
  rev: number
}

async function prepare(url: string, setupToken: string, ports: { imap: number; smtp: number }) {
  const human: Proof = { cookie: await enter(url, setupToken), origin: url }
  const ask = async (proof: Proof, method: string, path: string, body?: unknown) => {
    const headers = { ...proof, 'content-type': 'application/json' }
    const answer = await fetch(url + path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) })
    return { ok: answer.ok, text: await answer.text() }
  }
  const tell = async <T>(proof: Proof, method: string, path: string, body?: unknown): Promise<T> => {
    const { ok, text } = await ask(proof, method, path, body)
    if (!ok) throw new Error(`${method} ${path}: ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }
  const imap = { host: '127.0.0.1', port: ports.imap, tls: 'none', user: 'alice@test.local', password: 'pw-alice' }
  const smtp = { ...imap, port: ports.smtp }
  const { id: account } = await tell<{ id: string }>(human, 'POST', `${api.accounts.createAccount.path}?verify=false`, {
    email: 'alice@test.local',
    imap,
    smtp,
  })
  const wanted = { name: 'bench', scopes: ['mail:send'], accounts: [account] }
  const { token, info } = await tell<{ token: string; info: { id: string } }>(
    human,
    'POST',
    api.tokens.createToken.path,
    wanted,
  )
  const program: Proof = { authorization: `Bearer ${token}` }
  const rule = (approval: TokenPolicy['sending']['approval']) =>
    tell(human, 'PUT', api.policy.setTokenPolicy.path.replace('{token_id}', info.id), {
      ...defaultPolicy,
      sending: { ...defaultPolicy.sending, ...noRates, approval },
    })
  const drafts = `/api/v1/accounts/${account}/drafts`
  const draft = { mode: 'new', to: ['anne@there.test'], subject: 'Hello', body: { format: 'text', content: 'x' } }
  const write = () => tell<Written>(program, 'POST', drafts, draft)
  const freeze = async () =>
    (await tell<{ id: string }>(human, 'POST', api.freezes.freeze.path, { principal: info.id })).id
  const lift = (id: string) => tell(human, 'DELETE', api.freezes.liftFreeze.path.replace('{freeze_id}', id))
  return { url, human, program, ask, tell, rule, drafts, draft, write, freeze, lift }
}

async function untilHeard({ url, human, program, tell, rule, drafts, write }: World) {
  await rule(defaultPolicy.sending.approval)
  const stream = await openStream(`${url}${api.events.streamEvents.path}?types=approval_requested`, human)
  await stream.next('welcome')
  const client = new Client(
    { name: 'bench', version: '1.0.0' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  )
  await client.connect(new StreamableHTTPClientTransport(new URL(url + mcpPath), { requestInit: { headers: program } }))
  const ways: Record<string, (draft: Written) => Promise<unknown>> = {
    rest: ({ id, rev }) => tell(program, 'POST', `${drafts}/${id}/send`, { rev }),
    mcp: async ({ id, rev }) => {
      const { isError, content } = await client.callTool({ name: 'mail_send', arguments: { draft: id, rev } })
      if (isError) throw new Error(JSON.stringify(content))
    },
  }
  const times: Record<string, number[]> = { rest: [], mcp: [] }
  try {
    for (let turn = 0; turn < asked; turn++) {
      for (const [way, send] of Object.entries(ways)) {
        const draft = await write()
        const began = performance.now()
        const sent = send(draft)
        await stream.next('approval_requested')
        times[way]!.push(performance.now() - began)
        await sent
      }
    }
  } finally {
    await client.close()
    stream.close()
  }
  return { rest_to_stream: spread(times.rest!), mcp_to_stream: spread(times.mcp!) }
}

/** Two callers write drafts without a pause; a call begun after the freeze's answer and not refused is late. */
async function untilRefused({ program, ask, drafts, draft, freeze, lift }: World) {
  const times: number[] = []
  let late = 0
  for (let turn = 0; turn < freezes; turn++) {
    const calls: { began: number; ended: number; isRefused: boolean }[] = []
    let isOver = false
    const call = async () => {
      while (!isOver) {
        const began = performance.now()
        const { ok, text } = await ask(program, 'POST', drafts, draft)
        const isRefused = !ok && (JSON.parse(text) as { code: string }).code === 'frozen'
        if (!ok && !isRefused) throw new Error(text)
        calls.push({ began, ended: performance.now(), isRefused })
        if (isRefused) return
      }
    }
    const callers = Promise.all([call(), call()])
    await ask(program, 'GET', drafts)
    const began = performance.now()
    const id = await freeze()
    const answered = performance.now()
    await callers
    isOver = true
    times.push(Math.min(...calls.filter(({ isRefused }) => isRefused).map(({ ended }) => ended)) - began)
    late += calls.filter(each => each.began > answered && !each.isRefused).length
    await lift(id)
  }
  return { ...spread(times), late }
}

/** The freeze comes while many due messages leave; once it is lifted the others leave too, none twice. */
async function untilHeld({ program, tell, rule, drafts, write, freeze, lift }: World, sink: SmtpSink) {
  await rule({ always: false, strangers: false, tainted_minutes: null })
  const [first, all] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const before = sink.count
  let last = 0
  sink.onTaken = count => {
    last = performance.now()
    if (count - before === left) first.resolve()
    if (count - before === waiting) all.resolve()
  }
  const due = Date.now() + dueInMs
  const send = async () => {
    const { id, rev } = await write()
    await tell(program, 'POST', `${drafts}/${id}/send`, { rev, at: new Date(due).toISOString() })
  }
  for (let sent = 0; sent < waiting; sent += atOnce) await Promise.all(Array.from({ length: atOnce }, send))
  if (Date.now() >= due) throw new Error('the machine is too slow: the first was due before the last was sent')
  await first.promise
  const began = performance.now()
  const id = await freeze()
  await new Promise(resolve => setTimeout(resolve, watchedMs))
  const [lastMs, held] = [Math.max(0, last - began), waiting - (sink.count - before)]
  if (held === 0) throw new Error('all of them had left before the freeze came')
  await lift(id)
  await all.promise
  await new Promise(resolve => setTimeout(resolve, watchedMs))
  return { messages: waiting, held, last_sent_ms: round(lastMs), sent_twice: sink.count - before - waiting }
}

function spread(times: number[]): { p50_ms: number; p95_ms: number; p99_ms: number } {
  const sorted = times.toSorted((one, other) => one - other)
  const at = (share: number) => round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!)
  return { p50_ms: at(0.5), p95_ms: at(0.95), p99_ms: at(0.99) }
}
