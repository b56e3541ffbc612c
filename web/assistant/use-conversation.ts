/** One conversation: asks, follows answers started here or in another tab, stops them, and decides pending calls. */
import { type QueryClient, useQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useRef, useState } from 'react'
import type { ChatbotPart, ChatbotQuery } from '../../contract/answers.ts'
import type { Conversation } from '../../contract/conversations.ts'
import { conversationsApi } from '../../contract/conversations.ts'
import { api } from '../../contract/index.ts'
import { ApiProblem, call, callStream } from '../platform/api-client.ts'
import { useLiveStatus } from '../platform/live.tsx'
import { queryKeys } from '../platform/query-keys.ts'
import { AnswerStreams } from './answer-streams.ts'
import { isOpen, isRunning, mergeConversation, newConversation, putAnswer, withAnswer } from './conversation-parts.ts'
import type { PageContext } from './page-context.ts'
import { useConversationNews } from './use-conversation-news.ts'

/**
 * Poll interval in milliseconds while a call is pending, because no stream reports a decision made in another window.
 */
const waitingIntervalMs = 5_000

export interface Question {
  query: string
  /** The provider that is asked first. */
  provider?: string | undefined
  /** Id of the answer that the new one replaces. */
  replaces?: string | undefined
  context?: PageContext | undefined
}

/** A question whose answer has not started yet. */
export interface Pending {
  question: Question
  error: Error | undefined
}

/** @param onBegun Called when a new conversation gets its id. */
export function useConversation(id: string | undefined, onBegun: (id: string) => void) {
  const queries = useQueryClient()
  const [pending, setPending] = useState<Pending>()
  const asking = useRef<AbortController>(undefined)
  const [streams] = useState(() => new AnswerStreams(queries))
  const key = queryKeys.conversation(id ?? '')
  const query = useQuery({
    queryKey: key,
    queryFn: async ({ client, signal }) => {
      const fetched = await call(conversationsApi.getConversation, { params: { conversation_id: id ?? '' }, signal })
      return mergeConversation(client.getQueryData<Conversation>(key), fetched)
    },
    enabled: id !== undefined,
    refetchOnWindowFocus: true,
    refetchInterval: ({ state: { data } }) => data?.state === 'waiting' && waitingIntervalMs,
  })
  const conversation = id === undefined ? undefined : query.data
  useConversationNews(
    useCallback(
      (changedId, answerId) => {
        if (changedId === id && !streams.has(answerId)) {
          void queries.invalidateQueries({ queryKey: queryKeys.conversation(changedId) })
        }
      },
      [id, queries, streams],
    ),
  )
  useEffect(
    () => () => {
      asking.current?.abort()
      streams.stopAll()
    },
    [streams],
  )
  // Connections are limited, so only the shown conversation is streamed.
  useEffect(() => streams.keepOnly(id), [id, streams])
  const running = conversation?.items.find(isRunning)?.id
  const isLive = useLiveStatus().state === 'live'
  // Resumes when the server is back, including streams that were given up.
  useEffect(() => {
    if (isLive) streams.wake()
    if (id !== undefined && running !== undefined) streams.follow(id, running)
  }, [id, running, streams, isLive])

  const ask = async (question: Question) => {
    asking.current?.abort()
    const ending = new AbortController()
    const { signal } = ending
    asking.current = ending
    setPending({ question, error: undefined })
    try {
      const parts = partsOf(question, id, signal)
      const start = await firstPart(parts)
      remember(queries, question, start)
      streams.take(start.conversation_id, start.answer_id, parts, ending)
      setPending(undefined)
      if (start.conversation_id !== id) onBegun(start.conversation_id)
      void queries.invalidateQueries({ queryKey: queryKeys.conversations })
    } catch (error) {
      if (signal.aborted) return
      const problem = asProblem(error)
      // The provider was removed or disabled; a retry uses the usual order.
      const isGone = problem.faultOf('body.provider') !== undefined
      if (isGone) void queries.invalidateQueries({ queryKey: queryKeys.providers })
      setPending({ question: isGone ? { ...question, provider: undefined } : question, error: problem })
      if (error instanceof ApiProblem && error.status === 401) queries.setQueryData(queryKeys.session, null)
    }
  }
  const last = conversation?.items.at(-1)
  const isBusy = (pending !== undefined && !pending.error) || (last !== undefined && isOpen(last))
  const stop = async () => {
    if (pending) {
      asking.current?.abort()
      return setPending(undefined)
    }
    if (id === undefined || !last) return
    const answer = await call(conversationsApi.stopAnswer, { params: { conversation_id: id, answer_id: last.id } })
    queries.setQueryData<Conversation>(key, now => now && putAnswer(now, answer))
    void queries.invalidateQueries({ queryKey: queryKeys.conversations })
  }
  const decide = async (
    answerId: string,
    toolCall: { id: string; input_hash: string },
    decision: 'allow' | 'decline',
  ) => {
    const answer = await call(conversationsApi.decideToolCall, {
      params: { conversation_id: id ?? '', answer_id: answerId, call_id: toolCall.id },
      body: { decision, input_hash: toolCall.input_hash },
    })
    queries.setQueryData<Conversation>(key, now => now && putAnswer(now, answer))
  }
  return {
    conversation,
    query,
    pending,
    isBusy,
    /** Whether text is being generated, rather than a decision awaited. */
    isAnswering: isBusy && last?.state !== 'waiting',
    ask: (question: Question) => void ask(question),
    drop: () => setPending(undefined),
    stop,
    decide,
  }
}

export type OpenConversation = ReturnType<typeof useConversation>

async function* partsOf({ query, provider, replaces, context }: Question, id: string | undefined, signal: AbortSignal) {
  const body: ChatbotQuery = {
    query,
    ...(id !== undefined && { conversation_id: id }),
    ...(provider !== undefined && { provider }),
    ...(replaces !== undefined && { retry_of: replaces }),
    ...(context && { context }),
  }
  for await (const { data } of callStream(api.assistant.queryChatbot, { body, signal })) {
    // The cast is true because the server encodes parts by the same contract.
    yield JSON.parse(data) as ChatbotPart
  }
}

async function firstPart(parts: AsyncGenerator<ChatbotPart>) {
  const { value, done } = await parts.next()
  if (done) throw brokenOff()
  if (value.type === 'error') throw new ApiProblem(value.problem)
  if (value.type !== 'start') throw brokenOff()
  return value
}

function remember(
  queries: QueryClient,
  { query, replaces }: Question,
  start: Extract<ChatbotPart, { type: 'start' }>,
): void {
  const at = new Date().toISOString()
  const { conversation_id: id } = start
  queries.setQueryData<Conversation>(queryKeys.conversation(id), now =>
    withAnswer(now ?? newConversation(id, query, at), start, { question: query, at, replaces }),
  )
}

function asProblem(error: unknown): ApiProblem {
  return error instanceof ApiProblem ? error : brokenOff(error)
}

function brokenOff(cause?: unknown): ApiProblem {
  const detail = 'The server ended the response before an answer began. Your question is kept.'
  const body = { type: '/problems/unreachable', title: 'No answer', status: 0, detail, instance: '' }
  return new ApiProblem({ ...body, code: 'unreachable' }, { cause })
}
