/**
 * What the channel of a bridge reads from its server: the event stream, reopened when it breaks, permission decisions,
 * and the headers of a message.
 */
import { setTimeout as pause } from 'node:timers/promises'
import {
  BridgeError,
  type BridgeLink,
  eventsIn,
  fieldOf,
  LinkBroken,
  messagesIn,
  pauseMs,
  refusalIn,
} from './bridge-link.ts'

const eventsPath = '/api/dashboard/events'
const sessionPath = '/api/dashboard/session'

/** Follows the stream until the signal aborts. @throws BridgeError for what reconnecting would not fix. */
export async function followEvents(
  link: BridgeLink,
  types: readonly string[],
  { signal, take }: { signal: AbortSignal; take(type: string, data: Record<string, unknown>): void },
): Promise<void> {
  let lastId: string | undefined
  for (let turn = 0; ; turn++) {
    try {
      const headers = { accept: 'text/event-stream', ...(lastId !== undefined && { 'last-event-id': lastId }) }
      const response = await link.get(`${eventsPath}?types=${types.join(',')}`, { signal, headers })
      if (!response.ok) {
        const refusal = await refusalIn(response)
        if (response.status < 500 && response.status !== 429)
          throw refusal instanceof BridgeError ? refusal : new BridgeError('refused')
      } else {
        for await (const { event, id, data } of eventsIn(response)) {
          turn = 0
          if (id !== undefined) lastId = id
          if (types.includes(event) && typeof data === 'object' && data !== null)
            take(event, data as Record<string, unknown>)
        }
      }
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof BridgeError) throw error
    }
    await pause(pauseMs(turn), undefined, { signal })
  }
}

/** Returns the id of the token's principal. */
export async function principalOf(link: BridgeLink, signal: AbortSignal): Promise<string> {
  const response = await link.get(sessionPath, { signal, headers: { accept: 'application/json' } })
  return String(fieldOf(fieldOf(await response.json(), 'principal'), 'id'))
}

const promptsPath = '/api/v1/permission-prompts'
/** How long one request waits for the decision, and the timeout for withdrawing a prompt. */
const [waitSeconds, withdrawMs] = [25, 750]

/**
 * Asks a human and waits for the decision; undefined if no one decides. Withdrawn by the signal. @throws Error for what
 * the server refuses.
 */
export async function requestPermission(
  link: BridgeLink,
  asked: object,
  signal: AbortSignal,
): Promise<'allow' | 'deny' | undefined> {
  signal.throwIfAborted()
  // Once the request has reached the server, its id is needed to withdraw the prompt.
  const opening = new AbortController()
  const giveUp = () => void setTimeout(() => opening.abort(), withdrawMs).unref()
  signal.addEventListener('abort', giveUp, { once: true })
  const opened = await link.change(promptsPath, 'POST', asked, opening.signal)
  const prompt: unknown = await opened.json()
  signal.removeEventListener('abort', giveUp)
  const id = fieldOf(prompt, 'id')
  if (!opened.ok || typeof id !== 'string') throw new BridgeError(String(fieldOf(prompt, 'detail') ?? opened.status))
  const one = `${promptsPath}/${id}`
  try {
    for (let turn = 0; ; ) {
      try {
        const response = await link.get(`${one}?wait_s=${waitSeconds}`, {
          signal,
          headers: { accept: 'application/json' },
        })
        const state = fieldOf(await response.json(), 'state')
        // A restart of the server loses the prompt.
        if (response.status === 404 || (response.ok && state !== 'waiting')) return behaviors[String(state)]
        turn = response.ok ? 0 : turn + 1
        if (response.ok) continue
      } catch {
        signal.throwIfAborted()
        turn++
      }
      await pause(pauseMs(turn), undefined, { signal })
    }
  } finally {
    if (signal.aborted)
      await link.change(one, 'DELETE', undefined, AbortSignal.timeout(withdrawMs)).catch(() => undefined)
  }
}

const behaviors: Record<string, 'allow' | 'deny' | undefined> = { allowed: 'allow', denied: 'deny' }

/** Reads the headers by a tool call of the agent: with its rights, and in its trail. */
export async function headOf(link: BridgeLink, ref: string, signal: AbortSignal): Promise<unknown> {
  const message = {
    jsonrpc: '2.0',
    id: 'bridge-look',
    method: 'tools/call',
    params: {
      name: 'mail_read',
      arguments: { refs: [ref], view: 'headers' },
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientInfo': { name: 'rustymail-channel', version: '1' },
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    },
  }
  // Overrides the form that the bridge's client asked for.
  const headers = { 'rustymail-results': 'structured' }
  const response = await link.send(message, { signal, isRepeatable: true, headers })
  if (!response.ok) throw new LinkBroken('refused')
  for await (const each of messagesIn(response)) {
    const result = fieldOf(each, 'result')
    if (result !== undefined) return fieldOf(result, 'structuredContent')
  }
  return undefined
}
