/** The results of testing a provider, step by step. */
import type { ProviderTest } from '../../contract/model-provider.ts'
import { ToneIcon } from '../ui/badge.tsx'

const names: Record<ProviderTest['steps'][number]['name'], string> = {
  address: 'Address',
  connect: 'Connection',
  key: 'Key',
  model: 'Model',
  answer: 'Answer',
  tools: 'Tools',
}

export function TrialSteps({ trial, isPending }: { trial: ProviderTest | undefined; isPending: boolean }) {
  return (
    <div role="status">
      {isPending && <p className="text-sm text-soft">Testing: the model is asked two short questions.</p>}
      {trial && (
        <div className="rounded-md border">
          <p className="border-b px-3 py-2 text-sm font-medium">
            {trial.ok ? 'The test passed.' : 'The test failed: see the last step below.'}
          </p>
          <ol className="divide-y">
            {trial.steps.map(({ name, ok, detail, duration_ms: ms }) => (
              <li key={name} className="flex items-start gap-2 px-3 py-2 text-sm">
                <ToneIcon tone={ok ? 'good' : trial.ok ? 'warn' : 'bad'} />
                <span className="w-24 shrink-0 font-medium">
                  {names[name]}
                  <span className="sr-only">{ok ? ', passed' : ', failed'}</span>
                </span>
                <span className="min-w-0 flex-1 break-words text-soft">{detail}</span>
                <span className="shrink-0 text-xs text-muted">{ms} ms</span>
              </li>
            ))}
          </ol>
        </div>
      )}
    </div>
  )
}
