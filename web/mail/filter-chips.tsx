/** Search terms as buttons: common ones to add, and typed ones to remove. */

import type { LucideIcon } from 'lucide-react'
import { MailOpen, Paperclip, Star, X } from 'lucide-react'
import { visibleText } from '../platform/visible-text.ts'
import { classNames } from '../ui/class-names.ts'
import { hasTerm, keyedTerms, withoutTerm, withTerm } from './search-terms.ts'

const usual: readonly { term: string; label: string; icon: LucideIcon; needsIndex?: true }[] = [
  { term: 'is:unread', label: 'Unread', icon: MailOpen },
  { term: 'is:flagged', label: 'Flagged', icon: Star },
  { term: 'has:attachment', label: 'Attachments', icon: Paperclip, needsIndex: true },
]

export function FilterChips({
  q,
  hasIndex,
  onSearch,
}: {
  q: string
  /** Whether the index answers; mail servers do not support all terms. */
  hasIndex: boolean
  onSearch(q: string): void
}) {
  const shown = usual.filter(({ needsIndex }) => !needsIndex || hasIndex)
  const others = keyedTerms(q).filter(term => !shown.some(each => each.term === term.toLowerCase()))
  return (
    <fieldset className="flex flex-wrap gap-1 pt-1.5">
      <legend className="sr-only">Filters</legend>
      {shown.map(({ term, label, icon: Icon }) => {
        const isOn = hasTerm(q, term)
        return (
          <button
            key={term}
            type="button"
            aria-pressed={isOn}
            onClick={() => onSearch(isOn ? withoutTerm(q, term) : withTerm(q, term))}
            className={lookOf(isOn)}
          >
            <Icon className="size-3.5" aria-hidden="true" />
            {label}
          </button>
        )
      })}
      {others.map(term => (
        <button
          key={term}
          type="button"
          aria-label={`Search without ${visibleText(term)}`}
          onClick={() => onSearch(withoutTerm(q, term))}
          className={lookOf(true)}
        >
          <bdi className="max-w-40 truncate">{visibleText(term)}</bdi>
          <X className="size-3.5 shrink-0" aria-hidden="true" />
        </button>
      ))}
    </fieldset>
  )
}

function lookOf(isOn: boolean): string {
  return classNames(
    'inline-flex min-h-7 min-w-0 items-center gap-1 rounded-full border px-2.5 text-xs font-medium max-md:min-h-8',
    isOn ? 'border-accent bg-accent-tint text-accent' : 'text-soft hover:bg-sunken hover:text-ink',
  )
}
