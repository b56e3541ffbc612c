/** Follows answers until they end: batches parts, so that many tokens cost one render, and resumes a broken stream. */
import type { QueryClient } from '@tanstack/react-query'
import type { ChatbotPart } from '../../contract/answers.ts'
import { type Conversation, conversationsApi } from '../../contract/conversations.ts'
import { ApiProblem, callStream } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { isRunning, takeParts, withoutAnswer } from './conversation-parts.ts'

/**
 * Batching interval in milliseconds for an empty answer; longer answers render less often, since their last block may
 * be all of it.
 */
const gatherMs = 40
const lettersPerMs = 400
const longestGatherMs = 250

/** Failures after which the stream is given up; the answer continues on the server, and the user can retry. */
const mostFailures = 12
const longestWaitMs = 8_000

interface Stream {
  conversationId: string
  ending: AbortController
  gathered: ChatbotPart[]
  timer: ReturnType<typeof setTimeout> | undefined
  /** Cuts the current back-off short. */
  wake: () => void
}

export class AnswerStreams {
  readonly #queries: QueryClient
  readonly #streams = new Map<string, Stream>()

  constructor(queries: QueryClient) {
    this.#queries = queries
  }

  has(answerId: string): boolean {
    return this.#streams.has(answerId)
  }

  /**
   * Takes over the stream that the question opened.
   * @param ending Aborts it.
   */
  take(conversationId: string, answerId: string, parts: AsyncIterable<ChatbotPart>, ending: AbortController): void {
    // An event may have announced the answer before its first part, so that it is already followed.
    if (this.has(answerId)) return ending.abort()
    // Failures are retried or reported in the answer.
    void this.#run(conversationId, answerId, ending, parts)
  }

  /** Follows an answer; a no-op if it is followed already. */
  follow(conversationId: string, answerId: string): void {
    if (!this.has(answerId)) void this.#run(conversationId, answerId, new AbortController(), undefined)
  }

  /** Cuts all back-offs short, because the server is reachable again. */
  wake(): void {
    for (const { wake } of this.#streams.values()) wake()
  }

  /** Ends the streams of all other conversations. */
  keepOnly(conversationId: string | undefined): void {
    for (const [answerId, stream] of this.#streams) {
      if (stream.conversationId !== conversationId) this.#end(answerId, stream)
    }
  }

  stopAll(): void {
    for (const [answerId, stream] of this.#streams) this.#end(answerId, stream)
  }

  #end(answerId: string, stream: Stream): void {
    this.#streams.delete(answerId)
    stream.ending.abort()
    clearTimeout(stream.timer)
  }

  async #run(
    conversationId: string,
    answerId: string,
    ending: AbortController,
    opened: AsyncIterable<ChatbotPart> | undefined,
  ): Promise<void> {
    const stream: Stream = { conversationId, ending, gathered: [], timer: undefined, wake: () => undefined }
    const { signal } = ending
    this.#streams.set(answerId, stream)
    let failures = 0
    let parts = opened
    while (!signal.aborted && failures < mostFailures) {
      try {
        for await (const part of parts ?? this.#partsAfter(conversationId, answerId, signal)) {
          failures = 0
          this.#gather(answerId, stream, part)
        }
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof ApiProblem && error.status >= 400 && error.status < 500) {
          this.#giveUp(conversationId, answerId, error)
          break
        }
      }
      this.#flush(answerId, stream)
      if (!this.#isRunning(conversationId, answerId)) break
      parts = undefined
      failures += 1
      await wait(Math.min(longestWaitMs, 250 * 2 ** failures), stream)
    }
    if (signal.aborted) return
    this.#end(answerId, stream)
    for (const key of [queryKeys.conversation(conversationId), queryKeys.conversations]) {
      void this.#queries.invalidateQueries({ queryKey: key })
    }
  }

  async *#partsAfter(conversationId: string, answerId: string, signal: AbortSignal): AsyncGenerator<ChatbotPart> {
    const params = { conversation_id: conversationId, answer_id: answerId }
    const after = String(this.#answer(conversationId, answerId)?.last_seq ?? 0)
    for await (const { data } of callStream(conversationsApi.followAnswer, { params, query: { after }, signal })) {
      // The cast is true because the server encodes parts by the same contract.
      yield JSON.parse(data) as ChatbotPart
    }
  }

  #gather(answerId: string, stream: Stream, part: ChatbotPart): void {
    stream.gathered.push(part)
    stream.timer ??= setTimeout(() => this.#flush(answerId, stream), this.#pauseMs(stream.conversationId, answerId))
  }

  #pauseMs(conversationId: string, answerId: string): number {
    const last = this.#answer(conversationId, answerId)?.blocks.at(-1)
    return last?.type === 'text' ? Math.min(longestGatherMs, gatherMs + last.text.length / lettersPerMs) : gatherMs
  }

  #flush(answerId: string, stream: Stream): void {
    clearTimeout(stream.timer)
    stream.timer = undefined
    const parts = stream.gathered.splice(0)
    if (parts.length === 0) return
    this.#change(stream.conversationId, now => takeParts(now, answerId, parts))
  }

  /** Stops following an answer that was deleted, or may no longer be seen. */
  #giveUp(conversationId: string, answerId: string, { status }: ApiProblem): void {
    if (status === 401) this.#queries.setQueryData(queryKeys.session, null)
    if (status === 404) this.#change(conversationId, now => withoutAnswer(now, answerId))
  }

  #change(conversationId: string, change: (now: Conversation) => Conversation): void {
    this.#queries.setQueryData<Conversation>(queryKeys.conversation(conversationId), now => now && change(now))
  }

  #answer(conversationId: string, answerId: string) {
    const conversation = this.#queries.getQueryData<Conversation>(queryKeys.conversation(conversationId))
    return conversation?.items.find(({ id }) => id === answerId)
  }

  #isRunning(conversationId: string, answerId: string): boolean {
    const answer = this.#answer(conversationId, answerId)
    return answer !== undefined && isRunning(answer)
  }
}

function wait(ms: number, stream: Stream): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  stream.wake = resolve
  stream.ending.signal.addEventListener('abort', () => resolve(), { once: true })
  return promise.finally(() => clearTimeout(timer))
}
