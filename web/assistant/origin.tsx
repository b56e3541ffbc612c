/** Which provider answered, the cost, and which providers failed, on one line. */
import type { AssistantAnswer } from '../../contract/answers.ts'
import { formatCount } from '../platform/format.ts'
import { isOpen } from './conversation-parts.ts'
import { costWords, tokenWords } from './cost-words.ts'

export function Origin({ answer }: { answer: AssistantAnswer }) {
  const { provider, model, usage, cost_usd: cost, attempts } = answer
  const counts = isOpen(answer) ? [] : [tokenWords(usage), costWords(cost)]
  const words = [provider && (model ? `${provider}, ${model}` : provider), ...counts].filter(Boolean)
  return (
    <>
      {words.length > 0 && <span className="wrap-anywhere tabular-nums">{words.join(' · ')}</span>}
      {attempts.length > 0 && (
        <details className="min-w-0">
          <summary className="cursor-pointer">{formatCount(attempts.length, 'provider')} did not answer</summary>
          <ul className="grid gap-1 py-1">
            {attempts.map(({ provider: name, model: of, detail }, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: attempts are only appended
              <li key={index} className="wrap-anywhere">
                <span className="font-medium">{of ? `${name}, ${of}` : name}:</span> {detail}
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  )
}
