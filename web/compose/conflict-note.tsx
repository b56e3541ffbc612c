/** Shows both versions of a field after concurrent edits, and lets the user decide. */
import { visibleLines } from '../platform/visible-text.ts'
import { ToneIcon } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { type DraftForm, fieldWords, formOf, keepBoth, wordsOfField } from './draft-form.ts'
import type { DraftConflict } from './draft-session.ts'

export function ConflictNote({
  conflict: { theirs, fields },
  mine,
  onResolve,
}: {
  conflict: DraftConflict
  mine: DraftForm
  onResolve(form: DraftForm): void
}) {
  const other = formOf(theirs)
  const takeTheirs = () => onResolve({ ...mine, ...Object.fromEntries(fields.map(field => [field, other[field]])) })
  const takeBoth = () => onResolve(fields.reduce((form, field) => keepBoth(field, form, other), mine))
  return (
    <section
      role="alert"
      className="grid max-h-[45%] shrink-0 grid-cols-1 gap-2 overflow-y-auto border-b bg-warn-tint p-3 text-sm"
    >
      <p className="flex items-start gap-2">
        <span className="mt-0.5">
          <ToneIcon tone="warn" />
        </span>
        <span>
          <strong className="font-semibold">{theirs.changed_by.name} changed this draft while you wrote.</strong> Your
          version is still here but not saved yet.
        </span>
      </p>
      {fields.map(field => (
        <div key={field} className="grid grid-cols-1 gap-2 sm:grid-cols-2">
          <Version title={`${fieldWords[field]}, yours`} words={wordsOfField(field, mine)} />
          <Version title={`${fieldWords[field]}, theirs`} words={wordsOfField(field, other)} />
        </div>
      ))}
      <div className="flex flex-wrap gap-2">
        <Button size="sm" variant="primary" onClick={() => onResolve(mine)}>
          Keep mine
        </Button>
        <Button size="sm" onClick={takeTheirs}>
          Take theirs
        </Button>
        <Button size="sm" onClick={takeBoth}>
          Keep both
        </Button>
      </div>
    </section>
  )
}

function Version({ title, words }: { title: string; words: string }) {
  return (
    <div className="min-w-0 rounded-md border bg-surface p-2">
      <h3 className="text-xs text-muted">{title}</h3>
      <p className="max-h-32 overflow-y-auto wrap-anywhere whitespace-pre-wrap">{visibleLines(words)}</p>
    </div>
  )
}
