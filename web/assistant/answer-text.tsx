/** An answer as plain text and code; what looks like HTML is shown as it is written. */
import { memo } from 'react'
import { CopyButton } from '../ui/copy-button.tsx'
import { type AnswerBlock, answerBlocks } from './answer-blocks.ts'

export const AnswerText = memo(function AnswerText({ answer }: { answer: string }) {
  return (
    <div className="grid min-w-0 gap-3">
      {answerBlocks(answer).map((block, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: blocks are only added at the end
        <Block key={index} block={block} />
      ))}
    </div>
  )
})

function Block({ block: { kind, text, language } }: { block: AnswerBlock }) {
  if (kind === 'text') {
    return (
      <p dir="auto" className="max-w-prose break-words whitespace-pre-wrap">
        {text}
      </p>
    )
  }
  return (
    <figure className="min-w-0 overflow-hidden rounded-md border bg-sunken">
      <figcaption className="flex items-center justify-between border-b py-0.5 pr-1 pl-3 text-xs text-muted">
        {language ?? 'code'}
        <CopyButton text={text} label="Copy the code" />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre tabIndex={0} className="overflow-x-auto p-3 font-mono text-sm focus-visible:-outline-offset-2">
        {text}
      </pre>
    </figure>
  )
}
