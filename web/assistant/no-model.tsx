/** Shown when no model provider is set: what to set, and where. */
import { Bot, RotateCw } from 'lucide-react'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'

/** In the order in which they are tried. */
const providers: readonly { name: string; variables: string }[] = [
  { name: 'RIG, or any compatible query service', variables: 'RIG_ENDPOINT' },
  { name: 'OpenAI, or a compatible server', variables: 'OPENAI_API_KEY' },
  { name: 'OpenRouter', variables: 'OPENROUTER_API_KEY' },
  { name: 'Anthropic', variables: 'ANTHROPIC_API_KEY' },
  { name: 'Gemini', variables: 'GEMINI_API_KEY' },
  { name: 'Ollama, on your own machine', variables: 'OLLAMA_BASE_URL and OLLAMA_MODEL' },
]

export function NoModel({ detail, onRetry }: { detail: string | undefined; onRetry(): void }) {
  return (
    <div className="grid min-h-0 flex-1 content-center overflow-y-auto">
      <EmptyState
        icon={Bot}
        title="No model is configured yet"
        actions={
          <Button icon={RotateCw} onClick={onRetry}>
            Check again
          </Button>
        }
      >
        <div className="grid gap-3">
          <p>{detail ?? 'Set one of these in RustyMail’s environment and restart it.'}</p>
          <dl className="rounded-md border text-left">
            {providers.map(({ name, variables }) => (
              <div key={name} className="flex flex-wrap justify-between gap-x-4 border-b px-3 py-1.5 last:border-b-0">
                <dt>{name}</dt>
                <dd className="font-mono text-xs text-ink">{variables}</dd>
              </div>
            ))}
          </dl>
          <p>Questions are sent to that provider only. Until one is set, nothing is sent.</p>
        </div>
      </EmptyState>
    </div>
  )
}
