/**
 * A page of messages from Dovecot: an ordinary folder, 50 mails of 10,000 parts, 20 mails to 100,000 people. The peer
 * is a bare client that requests the same and only counts the bytes. Measures the main thread's work, in all and
 * without a pause.
 */
import { connect } from 'node:net'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { ImapFlowGateway } from '../server/imap/adapters/imapflow-gateway.ts'
import { type Dovecot, startDovecot } from '../test/support/dovecot.ts'
import { median, round } from './measure.ts'

const rounds = 5
const page = 50

interface Folder {
  path: string
  what: string
  messages: string[]
}

const folders: Folder[] = [
  { path: 'Archive', what: 'ordinary: 50 mails with text, HTML and a file', messages: each(50, ordinary) },
  { path: 'Junk', what: '50 mails of 10,000 empty parts', messages: each(50, () => manyParts(10_000)) },
  { path: 'Trash', what: '20 mails to 100,000 people', messages: each(20, () => manyRecipients(100_000)) },
]

export async function hostileMail(): Promise<object> {
  const dovecot = await startDovecot()
  try {
    const results: object[] = []
    for (const folder of folders) results.push(await measure(dovecot, folder))
    return { what: `one list of a page, median of ${rounds}, Dovecot's caches warm`, folders: results }
  } finally {
    await dovecot.stop()
  }
}

async function measure(dovecot: Dovecot, { path, what, messages }: Folder): Promise<object> {
  const [user] = dovecot.users
  if (!user) throw new Error('Dovecot has no user')
  const outside = await dovecot.login(user.user)
  for (const message of messages) await outside.append(path, message)
  outside.close()
  const peer = await openBare(dovecot.imapPort, user, path)
  const query = `FETCH 1:${messages.length} (UID FLAGS BODYSTRUCTURE ENVELOPE INTERNALDATE RFC822.SIZE)`
  const bytes = await peer.count(query)
  const bare: number[] = []
  for (let turn = 0; turn < rounds; turn++) {
    const began = performance.now()
    await peer.count(query)
    bare.push(performance.now() - began)
  }
  peer.close()
  const login = { host: '127.0.0.1', port: dovecot.imapPort, tls: 'none', ...user } as const
  const options = { timeoutMs: 120_000, signal: new AbortController().signal }
  const connection = await new ImapFlowGateway().connect(login, options)
  const runs: { wall: number; busy: number; longest: number }[] = []
  const heap = process.memoryUsage().rss
  for (let turn = 0; turn < rounds; turn++) {
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    const before = performance.eventLoopUtilization()
    const began = performance.now()
    const { messages: rows } = await connection.listMessages(path, page, undefined)
    const wall = performance.now() - began
    const { active } = performance.eventLoopUtilization(before)
    delay.disable()
    if (rows.length !== messages.length) throw new Error(`${path}: ${rows.length} rows`)
    runs.push({ wall, busy: active, longest: delay.max / 1e6 })
  }
  await connection.close()
  const of = (name: 'wall' | 'busy' | 'longest') => round(median(runs.map(run => run[name])))
  return {
    what,
    wire_mib: round(bytes / 2 ** 20),
    bare_client_ms: round(median(bare)),
    list_ms: of('wall'),
    main_thread_ms: of('busy'),
    longest_block_ms: of('longest'),
    rss_growth_mib: round((process.memoryUsage().rss - heap) / 2 ** 20),
  }
}

/** Reads the server's output and scans only for its end. */
async function openBare(port: number, { user, password }: Dovecot['users'][number], path: string) {
  const socket = connect(port, '127.0.0.1')
  let [bytes, end, tag] = [0, '', '*']
  let done: () => void = () => undefined
  socket.on('data', chunk => {
    bytes += chunk.length
    end = (end + chunk.toString('latin1', Math.max(0, chunk.length - 4000))).slice(-4000)
    if (end.endsWith('\r\n') && end.slice(0, -2).split('\r\n').at(-1)?.startsWith(`${tag} OK`)) done()
  })
  const answered = () =>
    new Promise<void>(resolve => {
      done = resolve
    })
  await answered()
  let tags = 0
  const count = async (command: string) => {
    bytes = 0
    tag = `t${++tags}`
    const isAnswered = answered()
    socket.write(`${tag} ${command}\r\n`)
    await isAnswered
    return bytes
  }
  await count(`LOGIN "${user}" "${password}"`)
  await count(`EXAMINE ${path}`)
  return { count, close: () => socket.destroy() }
}

function each(count: number, make: (index: number) => string): string[] {
  return Array.from({ length: count }, (_, index) => make(index))
}

function ordinary(index: number): string {
  const part = (type: string, body: string) => `--b\r\nContent-Type: ${type}\r\n\r\n${body}\r\n`
  const parts = [
    part('text/plain; charset=utf-8', 'Hello,\r\n\r\nsee you there.'),
    part('text/html; charset=utf-8', '<p>Hello,</p><p>see you there.</p>'),
    part('application/pdf; name="plan.pdf"', 'JVBERi0xLjQK'),
  ]
  const people = each(4, number => `Person ${number} <person${number}@example.org>`).join(', ')
  return `From: Anna <anna@example.org>\r\nTo: ${people}\r\nSubject: Minutes ${index}\r\nMessage-ID: <${index}@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n${parts.join('')}--b--\r\n`
}

function manyParts(count: number): string {
  return `Subject: parts\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\n\r\n'.repeat(count)}--b--\r\n`
}

function manyRecipients(count: number): string {
  return `Subject: people\r\nTo: ${each(count, number => `a${number}@example.org`).join(',\r\n ')}\r\n\r\nhello\r\n`
}
