/** Permission prompts of agents: the tool and its input as plain text, allowed or denied once. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useLayoutEffect, useRef, useState } from 'react'
import { type PermissionPrompt, permissionPromptsApi } from '../../contract/permission-prompts.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { visibleLines, visibleText } from '../platform/visible-text.ts'
import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { useToast } from '../ui/toast.tsx'
import { ListTime } from './list-time.tsx'

/**
 * Milliseconds after a prompt disappears in which buttons are inert, because another prompt's may have moved under the
 * finger.
 */
const settleMs = 1_000

export function PermissionPrompts({ prompts }: { prompts: readonly PermissionPrompt[] }) {
  const isSettled = useIsSettled(prompts)
  if (prompts.length === 0) return null
  return (
    <section aria-label="Permission prompts of agents" className="border-b">
      <p className="bg-sunken/50 px-4 py-1.5 text-xs text-muted">Agents request to use a tool of their own</p>
      <ul aria-live="polite">
        {prompts.map(prompt => (
          <Prompt key={prompt.id} prompt={prompt} isSettled={isSettled} />
        ))}
      </ul>
    </section>
  )
}

function useIsSettled(prompts: readonly PermissionPrompt[]): boolean {
  const seen = useRef(prompts)
  const [movedAt, setMovedAt] = useState<number>()
  useLayoutEffect(() => {
    const isThere = ({ id }: PermissionPrompt) => prompts.some(prompt => prompt.id === id)
    if (!seen.current.every(isThere)) setMovedAt(performance.now())
    seen.current = prompts
  }, [prompts])
  useEffect(() => {
    if (movedAt === undefined) return
    const timer = setTimeout(setMovedAt, settleMs, undefined)
    return () => clearTimeout(timer)
  }, [movedAt])
  return movedAt === undefined
}

function Prompt({ prompt, isSettled }: { prompt: PermissionPrompt; isSettled: boolean }) {
  const { id, asks, tool_name: tool, description, input_preview: input, created_at: at, expires_at: expiresAt } = prompt
  const queries = useQueryClient()
  const toast = useToast()
  const decide = useMutation({
    mutationFn: (behavior: 'allow' | 'deny') =>
      call(permissionPromptsApi.decidePermissionPrompt, { params: { prompt_id: id }, body: { behavior } }),
    onError: ({ message }) => toast({ tone: 'bad', title: 'Not decided', detail: message }),
    onSettled: () => {
      // The pressed button is disabled and about to be removed, so the focus moves on.
      document.getElementById('content')?.focus()
      return queries.invalidateQueries({ queryKey: queryKeys.permissionPrompts })
    },
  })
  const isBusy = decide.isPending || decide.isSuccess
  const press = (behavior: 'allow' | 'deny') => {
    if (isSettled) decide.mutate(behavior)
  }
  return (
    <li data-prompt={id} className="grid grid-cols-1 gap-1.5 border-b px-4 py-2.5 text-sm last:border-b-0">
      <span className="flex items-baseline justify-between gap-2">
        <bdi className="min-w-0 font-semibold wrap-anywhere">{visibleText(tool)}</bdi>
        <span className="shrink-0 text-xs text-muted">
          <ListTime at={at} />
        </span>
      </span>
      <span className="text-xs text-muted">
        <bdi>{asks.name}</bdi> asks. Expires <ListTime at={expiresAt} />
      </span>
      {description !== '' && <bdi className="break-words text-soft">{visibleLines(description)}</bdi>}
      {input !== '' && (
        <section
          aria-label={`Input of ${visibleText(tool)}`}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard
          tabIndex={0}
          className="max-h-40 overflow-auto rounded-md bg-sunken/60 p-2"
        >
          <pre className="font-mono text-xs wrap-anywhere whitespace-pre-wrap">{visibleLines(input)}</pre>
        </section>
      )}
      <span className="flex gap-2">
        <Decide tool={tool} isBusy={isBusy} isSettled={isSettled} onPress={() => press('allow')}>
          Allow once
        </Decide>
        <Decide tool={tool} isBusy={isBusy} isSettled={isSettled} onPress={() => press('deny')}>
          Deny
        </Decide>
      </span>
    </li>
  )
}

interface DecideProps {
  tool: string
  isBusy: boolean
  isSettled: boolean
  onPress: () => void
  children: string
}

/** A decision button; until the layout settles, it keeps the focus and does nothing. */
function Decide({ tool, isBusy, isSettled, onPress, children }: DecideProps) {
  return (
    <Button
      aria-label={`${children}: ${visibleText(tool)}`}
      aria-disabled={!isSettled || undefined}
      disabled={isBusy}
      onClick={onPress}
      className={classNames('min-h-11 md:min-h-9', !isSettled && 'opacity-60')}
    >
      {children}
    </Button>
  )
}
