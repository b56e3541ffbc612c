/** What agents ask for in their own programs: which tool, and for what, as plain text; allowed or denied here, once. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type PermissionPrompt, permissionPromptsApi } from '../../contract/permission-prompts.ts'
import { visibleLines, visibleText } from '../mail/mail-words.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { Button } from '../ui/button.tsx'
import { useToast } from '../ui/toast.tsx'
import { ListTime } from './list-time.tsx'

export function PermissionPrompts({ prompts }: { prompts: readonly PermissionPrompt[] }) {
  if (prompts.length === 0) return null
  return (
    <section aria-label="Permission prompts of agents" className="border-b">
      <p className="bg-sunken/50 px-4 py-1.5 text-xs text-muted">Agents ask to use a tool of their own program</p>
      <ul aria-live="polite">
        {prompts.map(prompt => (
          <Prompt key={prompt.id} prompt={prompt} />
        ))}
      </ul>
    </section>
  )
}

function Prompt({ prompt }: { prompt: PermissionPrompt }) {
  const { id, asks, tool_name: tool, description, input_preview: input, created_at: at, expires_at: expiresAt } = prompt
  const queries = useQueryClient()
  const toast = useToast()
  const decide = useMutation({
    mutationFn: (behavior: 'allow' | 'deny') =>
      call(permissionPromptsApi.decidePermissionPrompt, { params: { prompt_id: id }, body: { behavior } }),
    onError: ({ message }) => toast({ tone: 'bad', title: 'Not decided', detail: message }),
    onSettled: () => queries.invalidateQueries({ queryKey: queryKeys.permissionPrompts }),
  })
  const isBusy = decide.isPending || decide.isSuccess
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
        <pre className="max-h-40 overflow-auto rounded-md bg-sunken/60 p-2 text-xs break-words whitespace-pre-wrap">
          {visibleLines(input)}
        </pre>
      )}
      <span className="flex gap-2">
        <Button disabled={isBusy} onClick={() => decide.mutate('allow')}>
          Allow once
        </Button>
        <Button disabled={isBusy} onClick={() => decide.mutate('deny')}>
          Deny
        </Button>
      </span>
    </li>
  )
}
