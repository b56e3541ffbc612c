/** Asks the assistant, and keeps the dialogue while the page is open. One question at a time. */
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useReducer, useRef } from 'react'
import type { ChatbotPart } from '../../contract/assistant.ts'
import { api } from '../../contract/index.ts'
import { ApiProblem, callStream } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { isRunning, takeStep } from './dialogue.ts'

export function useDialogue() {
  const queries = useQueryClient()
  const [dialogue, step] = useReducer(takeStep, [])
  const asking = useRef<AbortController>(undefined)
  const nextId = useRef(1)
  useEffect(() => () => asking.current?.abort(), [])

  const follow = async (question: string, { signal }: AbortController) => {
    try {
      for await (const part of partsOf(question, signal)) {
        if (part.type === 'error') throw new ApiProblem(part.problem)
        step({ type: 'part', part })
        if (part.type === 'finish') return
      }
      throw brokenOff()
    } catch (cause) {
      if (signal.aborted) return
      if (cause instanceof ApiProblem && cause.status === 401) queries.setQueryData(queryKeys.session, null)
      step({ type: 'failed', error: cause instanceof ApiProblem ? cause : brokenOff(cause) })
    }
  }
  const ask = (question: string) => {
    asking.current?.abort()
    asking.current = new AbortController()
    step({ type: 'asked', id: nextId.current++, question })
    // Follows to the end by itself: what goes wrong becomes a step.
    void follow(question, asking.current)
  }
  const stop = () => {
    asking.current?.abort()
    step({ type: 'stopped' })
  }
  const last = dialogue.at(-1)
  return { dialogue, isAsking: last !== undefined && isRunning(last), ask, stop }
}

async function* partsOf(question: string, signal: AbortSignal): AsyncGenerator<ChatbotPart> {
  for await (const { data } of callStream(api.assistant.queryChatbot, { body: { query: question }, signal })) {
    // The server made it from the same contract.
    yield JSON.parse(data) as ChatbotPart
  }
}

function brokenOff(cause?: unknown): ApiProblem {
  const detail = 'The server stopped sending before the answer was complete.'
  const body = { type: '/problems/unreachable', title: 'The answer is incomplete', status: 0, detail, instance: '' }
  return new ApiProblem({ ...body, code: 'unreachable' }, { cause })
}
