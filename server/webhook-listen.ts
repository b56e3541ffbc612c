/**
 * `rustymail webhook listen`: prints the events of a running server as its webhooks would send them, and passes them on, signed, to a program on this
 * machine. It follows the event stream, so nothing has to reach this machine from outside, and no webhook is left behind.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Fact } from '../contract/event.ts'
import { parseCommandLine } from './command-line.ts'
import { BridgeError, BridgeLink, eventsIn, pauseMs, refusalIn } from './mcp/bridge-link.ts'
import { messageOf } from './program-webhooks/program-webhooks.ts'
import { isSecret, type Sign, signerOf } from './webhooks/webhook-signer.ts'

const badUsage = 2
const forwardMs = 10_000
const eventsPath = '/api/dashboard/events'

export async function run(): Promise<void> {
  const faults: string[] = []
  const { mcp, webhook } = parseCommandLine(process.argv.slice(2), faults)
  const url = URL.parse(mcp.url ?? 'http://127.0.0.1:9437')
  const forward = webhook.forward === undefined ? undefined : URL.parse(webhook.forward)
  const token = process.env.RUSTYMAIL_TOKEN?.trim() ?? ''
  const secret = process.env.RUSTYMAIL_WEBHOOK_SECRET?.trim() || `whsec_${randomBytes(32).toString('base64')}`
  if (!url || !/^https?:$/.test(url.protocol)) faults.push('--url takes the address of a running RustyMail')
  if (forward === null) faults.push('--forward takes the address of a program, such as http://127.0.0.1:3000/hook')
  if (token === '') faults.push('RUSTYMAIL_TOKEN must be set to a token of that server, which its Tokens page creates')
  if (!isSecret(secret)) faults.push('RUSTYMAIL_WEBHOOK_SECRET must be whsec_ and base64 of 24 to 64 bytes')
  if (faults.length > 0 || !url) {
    process.stderr.write(`${['Please fix:', ...faults.map(each => `  ${each}`)].join('\n')}\n`)
    process.exitCode = badUsage
    return
  }
  // As the bridge of MCP names its server.
  url.pathname = `${url.pathname.replace(/\/$/, '')}/mcp`
  const stop = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => stop.abort())
  process.stdout.on('error', () => stop.abort())
  if (forward) process.stderr.write(`Events are passed on to ${forward.href}, signed with ${secret}\n`)
  const link = new BridgeLink({ url, token, headers: { 'user-agent': 'rustymail-webhook' }, fetch })
  const sign = await signerOf([secret])
  try {
    await follow(link, webhook.types, stop.signal, async message => {
      process.stdout.write(`${message.body}\n`)
      if (forward) process.stderr.write(`${message.id}: ${await pass(forward, sign, message, stop.signal)}\n`)
    })
  } catch (error) {
    if (stop.signal.aborted) return
    process.stderr.write(`Failed: ${error instanceof Error ? error.message : error}\n`)
    process.exitCode = 1
  }
}

type Message = ReturnType<typeof messageOf>

/** One event after the other. It begins again where it was when the stream breaks. @throws BridgeError for what another connection would not change. */
async function follow(
  link: BridgeLink,
  types: string | undefined,
  signal: AbortSignal,
  take: (message: Message) => Promise<void>,
): Promise<void> {
  const query = types === undefined ? '' : `?types=${encodeURIComponent(types)}`
  let lastId: string | undefined
  for (let turn = 0; ; turn++) {
    try {
      const headers = { accept: 'text/event-stream', ...(lastId !== undefined && { 'last-event-id': lastId }) }
      const response = await link.get(eventsPath + query, { signal, headers })
      if (!response.ok) {
        const refusal = await refusalIn(response)
        if (response.status < 500 && response.status !== 429) {
          throw refusal instanceof BridgeError ? refusal : new BridgeError(`the server answered ${response.status}`)
        }
      } else {
        for await (const { event: type, id, data } of eventsIn(response)) {
          turn = 0
          // States have no id, and are no events of webhooks.
          if (id === undefined || id === lastId || typeof data !== 'object' || data === null) continue
          lastId = id
          if ('at' in data) await take(messageOf(`evt_${id}`, { type, data } as Fact))
        }
      }
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof BridgeError) throw error
    }
    await pause(pauseMs(turn), undefined, { signal })
  }
}

/** Once: what a program answers is told, and its developer sends it again. */
async function pass(to: URL, sign: Sign, { id, body }: Message, signal: AbortSignal): Promise<string> {
  try {
    const response = await fetch(to, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...sign(id, new Date(), body) },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(forwardMs)]),
    })
    await response.body?.cancel()
    return String(response.status)
  } catch (error) {
    signal.throwIfAborted()
    return error instanceof Error && error.name === 'TimeoutError' ? 'no answer within 10 s' : 'not reached'
  }
}
