/** Where one types what to search for: Enter searches, Escape ends the search; where the index answers, each letter searches. */
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
  /** What is searched for now. */
  q: string
  placeholder: string
  /** What is wrong with it. */
  fault: string | undefined
  /** It cannot be read, and is still being typed. */
  isHalf: boolean
  /** Empty to end the search. */
  onSearch(q: string): void
  /** Undefined where only Enter searches. */
  onType: ((q: string) => void) | undefined
  /** The typing paused. */
  onRest: ((q: string) => void) | undefined
  /** Below the field. */
  chips: ReactNode
  /** What came of it. */
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
    // While a word is being composed the key is the keyboard's own.
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
