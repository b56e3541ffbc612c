/** The search field: Enter searches and Escape ends the search; with an index, it searches while typing. */
import { CircleQuestionMark, Search, X } from 'lucide-react'
import { type FormEvent, type KeyboardEvent, type ReactNode, useId, useRef, useState } from 'react'
import { maxSearchLength } from '../../contract/mail.ts'
import { Input } from '../ui/field.tsx'
import { IconButton } from '../ui/icon-button.tsx'
import { SearchTerms } from './search-hints.tsx'
import { useTypedSearch } from './use-typed-search.ts'

export function SearchField({
  q,
  placeholder,
  fault,
  isHalf,
  onSearch,
  onType,
  onRest,
  chips,
  children,
}: {
  /** The current search. */
  q: string
  placeholder: string
  /** The error in the search, if any. */
  fault: string | undefined
  /** Whether the search is incomplete and still being typed. */
  isHalf: boolean
  /** Called with the search; empty to end it. */
  onSearch(q: string): void
  /** Called while typing; undefined if only Enter searches. */
  onType: ((q: string) => void) | undefined
  /** Called when typing has paused. */
  onRest: ((q: string) => void) | undefined
  /** Content below the field. */
  chips: ReactNode
  /** The results. */
  children: ReactNode
}) {
  const id = useId()
  const input = useRef<HTMLInputElement>(null)
  const { typed, setTyped, send } = useTypedSearch({ q, onSearch, onType, onRest, isHalf })
  const [isHelpOpen, setHelpOpen] = useState(false)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setHelpOpen(false)
    send(typed.trim())
  }
  const clear = () => {
    send('')
    input.current?.focus()
  }
  const clearByKey = (event: KeyboardEvent) => {
    // During IME composition, Escape belongs to the input method.
    if (event.key !== 'Escape' || event.nativeEvent.isComposing || (typed === '' && q === '')) return
    event.preventDefault()
    clear()
  }
  return (
    <search className="shrink-0 border-b p-2">
      <form onSubmit={submit} className="relative flex gap-1">
        <Search
          className="pointer-events-none absolute top-1/2 left-2.5 size-4 -translate-y-1/2 text-muted"
          aria-hidden="true"
        />
        <Input
          ref={input}
          type="text"
          enterKeyHint="search"
          aria-label="Search mail"
          aria-describedby={fault ? id : undefined}
          aria-invalid={fault ? true : undefined}
          placeholder={placeholder}
          className="pr-9 pl-8"
          maxLength={maxSearchLength}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          value={typed}
          onChange={event => setTyped(event.target.value)}
          onKeyDown={clearByKey}
        />
        {(typed !== '' || q !== '') && (
          <IconButton icon={X} label="Clear the search" className="absolute top-0 right-10" onClick={clear} />
        )}
        <IconButton
          icon={CircleQuestionMark}
          label="How to search"
          aria-expanded={isHelpOpen}
          aria-controls={`${id}-help`}
          onClick={() => setHelpOpen(!isHelpOpen)}
        />
      </form>
      <div id={`${id}-help`} hidden={!isHelpOpen} className="px-1 pt-2">
        <SearchTerms />
      </div>
      {chips}
      {fault && (
        <p id={id} role="alert" className="px-1 pt-1.5 text-xs font-medium text-bad first-letter:uppercase">
          {fault}
        </p>
      )}
      <p role="status" className="px-1 text-xs text-muted not-empty:pt-1.5">
        {children}
      </p>
    </search>
  )
}
