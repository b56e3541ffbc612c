/** The result of a call: structured content, text, error flag, and token cost. */
import { useState } from 'react'
import { formatBytes } from '../platform/format.ts'
import { visibleLines } from '../platform/visible-text.ts'
import { StatePill } from '../ui/badge.tsx'
import { Card } from '../ui/card.tsx'
import { CopyButton } from '../ui/copy-button.tsx'
import type { Came } from './offer.ts'
import { msWords, tokenWords } from './peer-words.ts'

/** Maximum characters shown. */
const maxShown = 100_000
const bytesPerToken = 4

type View = 'structure' | 'text' | 'all'
const viewWords: Record<View, string> = { structure: 'Structure', text: 'Text', all: 'Whole result' }

export function CallResult({ came: { result, ms } }: { came: Came }) {
  const views = viewsOf(result)
  const [view, setView] = useState<View>(
    views.structure === undefined ? (views.text === undefined ? 'all' : 'text') : 'structure',
  )
  const isError = (result as { isError?: boolean } | null)?.isError === true
  const shown = views[view] ?? views.all
  const bytes = new TextEncoder().encode(shown).length
  return (
    <Card
      title="Result"
      actions={
        <>
          <StatePill tone={isError ? 'bad' : 'good'}>{isError ? 'Error' : 'Done'}</StatePill>
          <span className="tabular-nums">
            {msWords(ms)} · {formatBytes(bytes)} · {tokenWords(Math.ceil(bytes / bytesPerToken))} tokens
          </span>
        </>
      }
    >
      <div className="grid gap-2">
        <div className="flex items-center justify-between gap-2">
          <fieldset className="flex flex-wrap gap-1">
            <legend className="sr-only">View</legend>
            {(Object.keys(viewWords) as View[])
              .filter(each => views[each] !== undefined)
              .map(each => (
                <button
                  key={each}
                  type="button"
                  aria-pressed={each === view}
                  onClick={() => setView(each)}
                  className="min-h-8 rounded-sm px-2 text-sm text-soft hover:bg-sunken aria-pressed:bg-accent-tint aria-pressed:text-accent"
                >
                  {viewWords[each]}
                </button>
              ))}
          </fieldset>
          <CopyButton text={shown} label="Copy the result" />
        </div>
        <section
          aria-label="Answer"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard
          tabIndex={0}
          className="max-h-128 overflow-auto rounded-md bg-sunken p-3"
        >
          <pre className="font-mono text-xs wrap-anywhere whitespace-pre-wrap">
            {visibleLines(shown.slice(0, maxShown))}
            {shown.length > maxShown && '\n…'}
          </pre>
        </section>
      </div>
    </Card>
  )
}

function viewsOf(result: unknown): { structure: string | undefined; text: string | undefined; all: string } {
  const { structuredContent, content } = (result ?? {}) as { structuredContent?: unknown; content?: unknown }
  const texts = (Array.isArray(content) ? content : []).flatMap((block: { type?: string; text?: string }) =>
    block.type === 'text' && block.text !== undefined ? [block.text] : [],
  )
  return {
    structure: structuredContent === undefined ? undefined : JSON.stringify(structuredContent, null, 2),
    text: texts.length > 0 ? texts.join('\n') : undefined,
    all: JSON.stringify(result, null, 2) ?? '',
  }
}
