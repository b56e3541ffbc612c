/** Audit entries and the result of a verification, in words. */
import type { AuditEntry } from '../../contract/audit.ts'
import { formatCount, formatDateTime, formatNumber } from '../platform/format.ts'
import type { Tone } from '../ui/tone.ts'

export const effectWords: Record<AuditEntry['effect'], { tone: Tone; text: string }> = {
  read: { tone: 'unknown', text: 'Read' },
  write: { tone: 'info', text: 'Write' },
  send: { tone: 'warn', text: 'Send' },
  destroy: { tone: 'bad', text: 'Destroy' },
}

export interface Verdict {
  is_whole: boolean
  entries: number
  oldest: number | null
  newest: number | null
  begun_at: string | null
  fault: { number: number; kind: 'changed' | 'missing' | 'reordered' | 'unconfirmed'; detail: string } | null
}

const kindWords = { changed: 'was changed', missing: 'is missing', reordered: 'is out of order' } as const

export function verdictWords({ is_whole: isWhole, entries, oldest, newest, begun_at: begunAt, fault }: Verdict): {
  tone: Tone
  title: string
  detail: string
} {
  if (fault?.kind === 'unconfirmed') return { tone: 'bad', title: 'Integrity not confirmed', detail: fault.detail }
  // Entry 0 means that the entries may be consistent, but the ends of the trail, or what should precede it, are not.
  if (fault && fault.number === 0) return { tone: 'bad', title: 'The trail is missing', detail: fault.detail }
  if (fault) {
    const title = `Entry ${formatNumber(fault.number)} ${kindWords[fault.kind]}`
    return { tone: 'bad', title, detail: fault.detail }
  }
  if (!isWhole) return { tone: 'bad', title: 'The trail is not intact', detail: 'The server did not say where.' }
  const since = begunAt === null ? '' : ` The trail was started ${formatDateTime(Date.parse(begunAt))}.`
  if (oldest === null || newest === null) {
    return { tone: 'good', title: 'The trail is intact', detail: `It has no entries yet.${since}` }
  }
  const range =
    oldest === newest ? `number ${formatNumber(newest)}` : `${formatNumber(oldest)} to ${formatNumber(newest)}`
  return {
    tone: 'good',
    title: 'The trail is intact',
    detail: `${formatCount(entries, 'entry', 'entries')} (${range}) are as written: none changed, missing or reordered.${since}`,
  }
}
