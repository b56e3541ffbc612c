/**
 * `rustymail webhook listen`: prints the events of a running server as its webhooks would send them, and forwards them,
 * signed, to a program on this machine. It follows the event stream, so no inbound connection is needed, and no webhook
 * is left behind.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { type Fact, factTypes, type StateType, stateTypes } from '../contract/event.ts'
import { parseCommandLine } from './command-line.ts'
import { BridgeError, BridgeLink, codeOf, eventsIn, LinkBroken, pauseMs, refusalIn } from './mcp/bridge-link.ts'
import { messageOf } from './program-webhooks/program-webhooks.ts'
import { isSecret, type Sign, signerOf } from './webhooks/webhook-signer.ts'

const badUsage = 2
const forwardMs = 10_000
const eventsPath = '/api/dashboard/events'
const notOurs = 'There is no RustyMail at this address: set --url to the address of its page.'
const redirected = 'This address redirects: set --url to the address of RustyMail’s page, often with https.'

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
  faults.push(...typeFaults(webhook.types))
  if (!isSecret(secret)) faults.push('RUSTYMAIL_WEBHOOK_SECRET must be whsec_ and base64 of 24 to 64 bytes')
  if (faults.length > 0 || !url) {
    process.stderr.write(`${['Please fix:', ...faults.map(each => `  ${each}`)].join('\n')}\n`)
    process.exitCode = badUsage
    return
  }
  // The bridge of MCP expects its URL in this form.
  url.pathname = `${url.pathname.replace(/\/$/, '')}/mcp`
  const stop = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => stop.abort())
  process.stdout.on('error', () => stop.abort())
  const print = (line: string) => void process.stderr.write(`${line}\n`)
  if (forward) print(`Events are forwarded to ${forward.href}, signed with ${secret}`)
  const link = new BridgeLink({ url, token, headers: { 'user-agent': 'rustymail-webhook' }, fetch })
  const sign = await signerOf([secret])
  try {
    const taken = async (message: Message) => {
      process.stdout.write(`${message.body}\n`)
      if (forward) print(`${message.id}: ${await pass(forward, sign, message, stop.signal)}`)
    }
    await follow(link, webhook.types, { signal: stop.signal, print, take: taken })
  } catch (error) {
    if (stop.signal.aborted) return
    print(`Failed: ${error instanceof Error ? error.message : error}`)
    process.exitCode = 1
  }
}

type Message = ReturnType<typeof messageOf>

interface Following {
  signal: AbortSignal
  /** Prints a line for the user, once for each change of state. */
  print: (line: string) => void
  take: (message: Message) => Promise<void>
}

/**
 * Follows events one after the other, and resumes where it was when the stream breaks. @throws BridgeError for an error
 * that reconnecting would not fix.
 */
async function follow(link: BridgeLink, types: string | undefined, { signal, print, take }: Following): Promise<void> {
  const query = types === undefined ? '' : `?types=${encodeURIComponent(types)}`
  let lastId: string | undefined
  let [isAnnounced, isUnreachable] = [false, false]
  const reportUnreachable = (why: string) => {
    if (!isUnreachable) print(`${why} Trying again until it answers.`)
    isUnreachable = true
  }
  for (let turn = 0; ; turn++) {
    try {
      const headers = { accept: 'text/event-stream', ...(lastId !== undefined && { 'last-event-id': lastId }) }
      const response = await link.get(eventsPath + query, { signal, headers })
      if (!response.ok) {
        const refusal = await refusalIn(response)
        const known =
          refusal instanceof BridgeError ? refusal : new BridgeError(`the server answered ${response.status}`)
        if (response.status < 500 && response.status !== 429) throw known
        reportUnreachable(known.message)
      } else {
        if (!response.headers.get('content-type')?.startsWith('text/event-stream')) throw new BridgeError(notOurs)
        for await (const { event: type, id, data } of eventsIn(response)) {
          turn = 0
          if (type === 'welcome' && (!isAnnounced || isUnreachable)) {
            print(isAnnounced ? 'Listening again.' : listening(link.url, types))
            ;[isAnnounced, isUnreachable] = [true, false]
          }
          // States have no id, and are not sent to webhooks.
          if (id === undefined || id === lastId || typeof data !== 'object' || data === null) continue
          lastId = id
          if ('at' in data) await take(messageOf(`evt_${id}`, { type, data } as Fact))
        }
        reportUnreachable('The connection to RustyMail has ended.')
      }
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof BridgeError) throw error
      if (isRedirect(error)) throw new BridgeError(redirected)
      const isLost = error instanceof LinkBroken
      const { origin } = link.url
      reportUnreachable(
        isLost ? error.message : `RustyMail cannot be reached at ${origin} (${codeOf(error)}). Is it running?`,
      )
    }
    await pause(pauseMs(turn), undefined, { signal })
  }
}

/** Describes which events are awaited, and how to cause one. */
function listening({ href }: URL, types: string | undefined): string {
  const wanted = types?.split(',') ?? []
  const what = wanted.length > 0 ? wanted.join(', ') : 'all events that the token may read'
  const isOfMail = wanted.length === 0 || wanted.includes('mail_received')
  const hint = isOfMail
    ? 'To see one, send a message to one of its accounts (mail_received).'
    : 'When each of them happens: docs/events.md.'
  return `Listening to ${href.replace(/\/mcp$/, '')} for ${what}; Ctrl+C ends it. ${hint}`
}

/** Reports names of states; unknown names are left to the server, which may be newer. */
function typeFaults(types: string | undefined): string[] {
  const isState = (name: string) => stateTypes.includes(name as StateType)
  const named = types?.split(',').filter(isState) ?? []
  return named.map(name => `--types: ${name} is not an event of webhooks; those are ${factTypes.join(', ')}`)
}

/** `fetch` reports a redirect only in the cause of its error. */
function isRedirect(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof Error && error.cause.message === 'unexpected redirect'
}

/** Forwards an event once, without retries: the response is printed, and the developer can cause the event again. */
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
