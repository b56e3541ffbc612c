/**
 * Newline-delimited JSON on two streams: requests wait for room, cancellations and responses overtake them, and output
 * respects back-pressure.
 */
import { once } from 'node:events'
import { mcpErrors } from './mcp-port.ts'
import { parseLine } from './message-line.ts'
import { isObject, type Params } from './native-frames.ts'
import { bounds, lastAnswersMs } from './native-protocol.ts'
import type { FrameQueue } from './native-queue.ts'
import type { NativeSession } from './native-session.ts'

export interface StdioStreams {
  input: NodeJS.ReadableStream
  output: NodeJS.WritableStream
}

/** @param take Called with each parsed line. */
export function carryStdio(
  { input, output }: StdioStreams,
  session: NativeSession,
  queue: FrameQueue,
  take: (body: unknown) => void,
): void {
  /** One character per byte: a line is decoded when it is complete. */
  let rest = ''
  /** Requests waiting until others are answered. */
  const waiting: { body: unknown; length: number }[] = []
  let waitingLength = 0
  /** Whether the rest of a line that is too long is being dropped. */
  let isSkipping = false
  let hasEnded = false

  const line = (text: string) => {
    if (text.trim() === '') return
    const parsed = parseLine(Buffer.from(text, 'latin1'))
    if ('code' in parsed) return session.refuse(parsed.code, parsed.words)
    const body = parsed.message
    if (isUrgent(body)) {
      const id = cancelledBy(body)
      const at = waiting.findIndex(each => isObject(each.body) && id !== undefined && each.body.id === id)
      if (at < 0) return take(body)
      // The request had not begun.
      for (const { length } of waiting.splice(at, 1)) waitingLength -= length
      return
    }
    if (waiting.length === 0 && !isBusy()) return take(body)
    waiting.push({ body, length: text.length })
    waitingLength += text.length
  }
  const read = (chunk: Buffer | string) => {
    const [first = '', ...others] = Buffer.from(chunk).toString('latin1').split('\n')
    add(first)
    for (const text of others) {
      if (!isSkipping) line(rest)
      isSkipping = false
      rest = ''
      add(text)
    }
    work()
  }
  const add = (text: string) => {
    if (isSkipping) return
    rest += text
    if (rest.length <= bounds.line) return
    isSkipping = true
    rest = ''
    session.refuse(mcpErrors.invalidRequest, `Invalid Request: a line has at most ${bounds.line} bytes.`)
  }
  const isBusy = () => session.calls >= bounds.requests || queue.isBusy
  const isFull = () =>
    queue.isBusy || waiting.length >= bounds.waitingRequests || waitingLength >= bounds.waitingRequestsLength
  /** Starts requests while there is room; when too many wait, reading pauses. */
  const work = () => {
    for (let next = takeNext(); next; next = takeNext()) take(next.body)
    if (hasEnded && waiting.length === 0 && session.isIdle) queue.end()
    else if (!hasEnded && !isFull()) input.resume()
    else input.pause()
  }
  const takeNext = () => {
    const next = isBusy() ? undefined : waiting.shift()
    waitingLength -= next?.length ?? 0
    return next
  }
  const ended = () => {
    if (hasEnded) return
    hasEnded = true
    if (rest !== '' && !isSkipping) line(rest)
    // A client that sent everything at once and closed still wants the answers.
    const late = setTimeout(() => session.cut(), lastAnswersMs)
    void session.ended.then(() => clearTimeout(late))
    work()
  }
  const left = () => session.cut()

  session.onIdle = work
  input.on('data', read).on('end', ended).on('close', ended).on('error', left)
  output.on('error', left).on('close', left)
  void session.ended.then(() => {
    input.off('data', read).off('end', ended).off('close', ended)
    input.pause()
    output.off('close', left)
  })
  void write(output, session, queue, work)
}

/** Messages without an answer: notifications, and responses to our requests. */
function isUrgent(body: unknown): body is Params {
  return isObject(body) && !(body.id !== undefined && 'method' in body)
}

function cancelledBy({ method, params }: Params): unknown {
  return method === 'notifications/cancelled' && isObject(params) ? params.requestId : undefined
}

/** Writes until the queue ends. */
async function write(
  output: NodeJS.WritableStream,
  session: NativeSession,
  queue: FrameQueue,
  taken: () => void,
): Promise<void> {
  const over = new AbortController()
  void session.ended.then(() => over.abort())
  try {
    while (!queue.hasEnded) {
      const text = queue.take()
      if (text === undefined) {
        const ready = Promise.withResolvers<void>()
        queue.onReady = ready.resolve
        taken()
        if (queue.hasEnded) break
        await ready.promise
      } else if (!output.write(`${text}\n`)) {
        await once(output, 'drain', { signal: over.signal })
        taken()
      }
    }
  } catch {
    // The reader is gone, which `session` knows.
  } finally {
    session.over()
  }
}
