/** Reads a server-sent event stream over a real socket, for tests: waits for events instead of for time. */

export interface StreamEvent {
  id: string | undefined
  event: string
  data: unknown
}

export interface OpenStream {
  readonly status: number
  readonly headers: Headers
  /** All events so far, in order. */
  readonly events: StreamEvent[]
  /** Returns the first event of a type that was not returned before. */
  next(type: string): Promise<StreamEvent>
  /** Resolves when the server has ended the stream. */
  readonly ended: Promise<void>
  close(): void
}

export async function openStream(url: string, headers: Record<string, string> = {}): Promise<OpenStream> {
  const abort = new AbortController()
  const response = await fetch(url, { headers: { accept: 'text/event-stream', ...headers }, signal: abort.signal })
  const events: StreamEvent[] = []
  const taken = new Set<StreamEvent>()
  const ended = Promise.withResolvers<void>()
  let arrived = Promise.withResolvers<void>()
  const read = async () => {
    let text = ''
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk
      const blocks = text.split('\n\n')
      text = blocks.pop()!
      events.push(...blocks.map(parse).filter(event => event !== undefined))
      arrived.resolve()
      arrived = Promise.withResolvers()
    }
  }
  read().then(
    () => ended.resolve(),
    () => ended.resolve(),
  )
  return {
    status: response.status,
    headers: response.headers,
    events,
    ended: ended.promise,
    close: () => abort.abort(),
    next: async type => {
      for (;;) {
        const found = events.find(event => event.event === type && !taken.has(event))
        if (found) {
          taken.add(found)
          return found
        }
        const isOver = await Promise.race([arrived.promise.then(() => false), ended.promise.then(() => true)])
        if (isOver && !events.some(event => event.event === type && !taken.has(event))) {
          throw new Error(`the stream ended before ${type}; it had ${events.map(event => event.event).join(', ')}`)
        }
      }
    },
  }
}

function parse(block: string): StreamEvent | undefined {
  const fields = new Map<string, string>()
  for (const line of block.split('\n')) {
    const match = /^([a-z]+): ?(.*)$/s.exec(line)
    if (match) fields.set(match[1]!, match[2]!)
  }
  const event = fields.get('event')
  if (event === undefined) return undefined
  return { id: fields.get('id'), event, data: JSON.parse(fields.get('data') ?? 'null') }
}
