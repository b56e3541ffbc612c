/** The tones of a state. Each has a colour and a shape, so that nothing depends on colour alone. */
import {
  CircleAlert,
  CircleCheck,
  CircleDashed,
  Info,
  LoaderCircle,
  type LucideIcon,
  TriangleAlert,
} from 'lucide-react'

export type Tone = 'good' | 'warn' | 'bad' | 'info' | 'busy' | 'unknown'

export const toneIcon: Record<Tone, LucideIcon> = {
  good: CircleCheck,
  warn: TriangleAlert,
  bad: CircleAlert,
  info: Info,
  busy: LoaderCircle,
  unknown: CircleDashed,
}

export const toneText: Record<Tone, string> = {
  good: 'text-good',
  warn: 'text-warn',
  bad: 'text-bad',
  info: 'text-info',
  busy: 'text-info',
  unknown: 'text-unknown',
}

export const toneTint: Record<Tone, string> = {
  good: 'bg-good-tint',
  warn: 'bg-warn-tint',
  bad: 'bg-bad-tint',
  info: 'bg-info-tint',
  busy: 'bg-info-tint',
  unknown: 'bg-unknown-tint',
}
