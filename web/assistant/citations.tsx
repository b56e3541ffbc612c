/** Sources of an answer: chips that open a message, a chart or another page. */
import {
  AtSign,
  Bell,
  ChartSpline,
  File,
  type LucideIcon,
  Mail,
  MonitorSmartphone,
  ScrollText,
  Send,
} from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import type { Citation } from '../../contract/answers.ts'
import { Button } from '../ui/button.tsx'
import { showHidden } from './input-words.ts'
import { ownPath } from './own-path.ts'

const icons: Readonly<Record<Citation['kind'], LucideIcon>> = {
  message: Mail,
  thread: Mail,
  chart: ChartSpline,
  audit: ScrollText,
  account: AtSign,
  client: MonitorSmartphone,
  alert: Bell,
  draft: File,
  outbox: Send,
}

const shownAtFirst = 6

/**
 * Returns the already seen messages that a call names, because a count alone would not tell the user what is affected.
 */
export function concernedBy(input: unknown, seen: readonly Citation[]): Citation[] {
  const refs = typeof input === 'object' && input !== null && 'refs' in input ? input.refs : []
  if (!Array.isArray(refs)) return []
  const byRef = new Map(seen.map(each => [new URLSearchParams(each.href.split('?')[1]).get('message'), each]))
  return refs.flatMap(ref => byRef.get(String(ref).slice(String(ref).indexOf('.') + 1)) ?? [])
}

export function Citations({ citations, label = 'Sources' }: { citations: readonly Citation[]; label?: string }) {
  const [isAll, setAll] = useState(false)
  if (citations.length === 0) return null
  const shown = isAll ? citations : citations.slice(0, shownAtFirst)
  const hidden = citations.length - shown.length
  return (
    <ul aria-label={label} className="flex flex-wrap items-center gap-1.5">
      {shown.map((citation, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: sources are only appended
        <li key={index} className="min-w-0">
          <Chip citation={citation} />
        </li>
      ))}
      {hidden > 0 && (
        <li>
          <Button size="sm" variant="quiet" onClick={() => setAll(true)}>
            {hidden} more
          </Button>
        </li>
      )}
    </ul>
  )
}

function Chip({ citation: { kind, label, href } }: { citation: Citation }) {
  const Icon = icons[kind]
  const path = ownPath(href, location.origin)
  const look = 'inline-flex min-h-6 max-w-full items-center gap-1.5 rounded-full border px-2.5 py-0.5 text-xs'
  const words = (
    <>
      <Icon className="size-3.5 shrink-0 text-muted" aria-hidden="true" />
      <bdi className="truncate">{showHidden(label)}</bdi>
    </>
  )
  if (path === undefined) return <span className={look}>{words}</span>
  return (
    <Link href={path} className={`${look} hover:bg-sunken`} title={label}>
      {words}
    </Link>
  )
}
