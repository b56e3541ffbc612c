/** The raw messages of the playground, newest first; each expands. */
import { ArrowDownLeft, ArrowUpRight } from 'lucide-react'
import { formatClock, formatNumber } from '../platform/format.ts'
import { visibleLines } from '../platform/visible-text.ts'
import { Button } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { type Frame, maxFrames } from './frame-log.ts'

export function FrameList({ frames, onClear }: { frames: readonly Frame[]; onClear(): void }) {
  return (
    <Card
      title="Frames"
      isFlush
      actions={
        <>
          <span>the newest {maxFrames}</span>
          <Button size="sm" variant="quiet" onClick={onClear}>
            Clear
          </Button>
        </>
      }
    >
      <ol aria-label="Frames" className="max-h-128 overflow-y-auto">
        {frames.map(({ id, way, title, text, omitted, at }) => {
          const Icon = way === 'sent' ? ArrowUpRight : ArrowDownLeft
          return (
            <li key={id} className="border-b last:border-b-0">
              <details>
                <summary className="flex cursor-pointer items-center gap-2 px-4 py-1.5 text-sm focus-visible:-outline-offset-2">
                  <Icon className="size-4 shrink-0 text-muted" aria-hidden="true" />
                  <span className="sr-only">{way === 'sent' ? 'Sent' : 'Received'}: </span>
                  <code className="min-w-0 flex-1 truncate font-mono text-xs">{title}</code>
                  <span className="shrink-0 text-xs text-muted tabular-nums">
                    {formatNumber(text.length + omitted)} · {formatClock(at)}
                  </span>
                </summary>
                <pre className="mx-4 mb-2 rounded-md bg-sunken p-3 font-mono text-xs wrap-anywhere whitespace-pre-wrap">
                  {visibleLines(text)}
                  {omitted > 0 && `\n… ${formatNumber(omitted)} more characters`}
                </pre>
              </details>
            </li>
          )
        })}
      </ol>
    </Card>
  )
}
