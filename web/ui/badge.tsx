/** A short word on a tint: a plain badge, or a state shown by colour and shape. */
import type { ReactNode } from 'react'
import { classNames } from './class-names.ts'
import { type Tone, toneIcon, toneText, toneTint } from './tone.ts'

const shape =
  'inline-flex items-center gap-1 rounded-sm px-1.5 py-0.5 text-xs font-medium whitespace-nowrap forced-colors:border'

export function Badge({ tone = 'unknown', children }: { tone?: Tone; children: ReactNode }) {
  return <span className={classNames(shape, toneTint[tone], toneText[tone])}>{children}</span>
}

export function StatePill({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <span className={classNames(shape, toneTint[tone], toneText[tone])}>
      <ToneIcon tone={tone} />
      {children}
    </span>
  )
}

/** The icon of a tone alone; text must accompany it. */
export function ToneIcon({ tone, size = 'sm' }: { tone: Tone; size?: 'sm' | 'md' }) {
  const Icon = toneIcon[tone]
  const look = classNames(
    'shrink-0',
    size === 'sm' ? 'size-3.5' : 'size-5',
    toneText[tone],
    tone === 'busy' && 'animate-spin',
  )
  return <Icon className={look} aria-hidden="true" />
}
