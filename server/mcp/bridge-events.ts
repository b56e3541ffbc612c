/** What the channel of a bridge hears and looks at: the event stream of its server, opened again when it breaks, and the headers of a mail. */
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

/** Until the signal aborts. @throws BridgeError for what another connection would not change. */
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

/** The id of the principal that the token is. */
export async function principalOf(link: BridgeLink, signal: AbortSignal): Promise<string> {
  const response = await link.get(sessionPath, { signal, headers: { accept: 'application/json' } })
  return String(fieldOf(fieldOf(await response.json(), 'principal'), 'id'))
}

const promptsPath = '/api/v1/permission-prompts'
/** So long one request waits for the decision, and so long is tried to say that nobody waits any more. */
const [waitSeconds, withdrawMs] = [25, 750]

/** Until a human has decided, or nobody does: then undefined. Withdrawn with the signal. @throws Error for what the server refuses. */
export async function askPermission(
  link: BridgeLink,
  asked: object,
  signal: AbortSignal,
): Promise<'allow' | 'deny' | undefined> {
  signal.throwIfAborted()
  // One that has reached the server has to be known, so that it can be withdrawn.
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
        // After a restart of the server it is not there any more.
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

/** As a tool call of the agent: by its rights, and in its trail. */
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
  // Whatever the client of the bridge wants for itself.
  const headers = { 'rustymail-results': 'structured' }
  const response = await link.send(message, { signal, isRepeatable: true, headers })
  if (!response.ok) throw new LinkBroken('refused')
  for await (const each of messagesIn(response)) {
    const result = fieldOf(each, 'result')
    if (result !== undefined) return fieldOf(result, 'structuredContent')
  }
  return undefined
}
