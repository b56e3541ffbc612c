/** Search help: on demand below the field, and in place of results when nothing was found or the search is invalid. */
import { Search } from 'lucide-react'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'

const terms: Record<string, string> = {
  'rep*': 'words that begin with this; otherwise whole words match',
  '"annual report"': 'this exact phrase',
  'from:anna': 'who sent it',
  'to:bob': 'who got it',
  'subject:plan': 'words in the subject',
  'has:attachment': 'or link',
  'filename:invoice': 'name of an attachment',
  'in:sent': 'only in this folder',
  'is:unread': 'or read, flagged, answered, draft',
  'after:2026-01-31': 'on or after that day',
  'before:2026-01-31': 'before that day',
  'larger:5M': 'or smaller:',
  'tea OR coffee': 'either; ( ) around several',
  '-newsletter': 'without this word, or this term',
}

export function SearchTerms() {
  return (
    <dl className="grid grid-cols-[auto_1fr] items-baseline gap-x-3 gap-y-1 text-left text-xs text-soft">
      {Object.entries(terms).map(([term, means]) => (
        <div key={term} className="contents">
          <dt>
            <code className="rounded-sm bg-sunken px-1.5 py-0.5 text-ink">{term}</code>
          </dt>
          <dd>{means}</dd>
        </div>
      ))}
    </dl>
  )
}

export function NothingFound({ onClear }: { onClear(): void }) {
  return (
    <EmptyState icon={Search} title="Nothing found" actions={<Button onClick={onClear}>Show all messages</Button>}>
      Every word must be in the message, as a whole: in its subject, its text, names and addresses, or names of
      attachments. With a star, <code className="rounded-sm bg-sunken px-1 text-ink">rep*</code>, its beginning is
      enough.
    </EmptyState>
  )
}

export function HowToSearch() {
  return (
    <EmptyState icon={Search} title="No search terms">
      <p className="mb-2">Enter words, or narrow the search:</p>
      <SearchTerms />
    </EmptyState>
  )
}
