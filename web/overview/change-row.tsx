/** One row of the feed; a group expands. */
import { ChevronDown } from 'lucide-react'
import { useId, useState } from 'react'
import { Link } from 'wouter'
import { useSession } from '../platform/session.ts'
import { mayOpen } from '../shell/navigation.ts'
import { ToneIcon } from '../ui/badge.tsx'
import { classNames } from '../ui/class-names.ts'
import { RelativeTime } from '../ui/relative-time.tsx'
import type { Row } from './change-groups.ts'

/** Maximum facts shown of a group; the rest are counted. */
const mostMembers = 25

export function ChangeRow({ row: { tone, text, detail, href, at, members } }: { row: Row }) {
  const id = useId()
  const [isOpen, setOpen] = useState(false)
  const isGroup = members.length > 1
  return (
    <li className="border-b px-4 py-1.5 text-sm last:border-b-0">
      <div className="flex items-start gap-2">
        <span className="mt-1">
          <ToneIcon tone={tone} />
        </span>
        <div className="min-w-0 flex-1">
          <p>
            <Words text={text} href={href} />
          </p>
          {detail && (
            <p dir="auto" className="truncate text-xs text-muted" title={detail}>
              <bdi>{detail}</bdi>
            </p>
          )}
        </div>
        {isGroup && (
          <button
            type="button"
            aria-expanded={isOpen}
            aria-controls={isOpen ? id : undefined}
            aria-label={`${isOpen ? 'Hide' : 'Show'} each: ${text}`}
            onClick={() => setOpen(!isOpen)}
            className="flex size-6 shrink-0 items-center justify-center rounded-sm text-muted hover:bg-sunken hover:text-ink"
          >
            <ChevronDown className={classNames('size-4', isOpen && 'rotate-180')} aria-hidden="true" />
          </button>
        )}
        <span className="mt-0.5 shrink-0 text-xs text-muted">
          <RelativeTime at={at} />
        </span>
      </div>
      {isGroup && isOpen && (
        <ol id={id} className="mt-1 ml-5.5 grid gap-1 border-l pl-3">
          {members.slice(0, mostMembers).map(member => (
            <li key={member.key} className="flex items-baseline gap-2 text-xs">
              <span dir="auto" className="min-w-0 flex-1 truncate" title={member.detail}>
                <Words text={member.detail ?? member.text} href={member.href} />
              </span>
              <span className="shrink-0 text-muted">
                <RelativeTime at={member.at} />
              </span>
            </li>
          ))}
          {members.length > mostMembers && (
            <li className="text-xs text-muted">And {members.length - mostMembers} before.</li>
          )}
        </ol>
      )}
    </li>
  )
}

function Words({ text, href }: { text: string; href: string | undefined }) {
  const { scopes } = useSession().principal
  // A user may see a fact without being allowed to open its page.
  if (href === undefined || !mayOpen(href, scopes)) return <bdi>{text}</bdi>
  return (
    <Link href={href} className="rounded-sm hover:underline">
      <bdi>{text}</bdi>
    </Link>
  )
}
