/** A full-width line at the top for what concerns the whole page. */
import type { ReactNode } from 'react'
import { ToneIcon } from './badge.tsx'
import { classNames } from './class-names.ts'
import { type Tone, toneTint } from './tone.ts'

export function Banner({ tone, children, actions }: { tone: Tone; children: ReactNode; actions?: ReactNode }) {
  return (
    <div
      className={classNames('flex flex-wrap items-center gap-x-3 gap-y-1 border-b px-4 py-2 text-sm', toneTint[tone])}
    >
      <ToneIcon tone={tone} />
      <div className="min-w-0 flex-1 text-ink">{children}</div>
      {actions}
    </div>
  )
}
