/** A recipients field with chips, completed from the contacts of the account. */

import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { X } from 'lucide-react'
import { type ClipboardEvent, type KeyboardEvent, type ReactNode, useId, useRef, useState } from 'react'
import { api } from '../../contract/index.ts'
import { mailBounds } from '../../contract/mail.ts'
import { call } from '../platform/api-client.ts'
import { lowerAscii } from '../platform/ascii-case.ts'
import { visibleText } from '../platform/visible-text.ts'
import { classNames } from '../ui/class-names.ts'
import { addRecipients, isAddress, parseRecipients, type Recipient } from './recipients.ts'

export function RecipientsField({
  label,
  accountId,
  value,
  isFirst = false,
  onChange,
  children,
}: {
  label: string
  accountId: string
  value: readonly Recipient[]
  /** Whether it takes the focus on mount. */
  isFirst?: boolean
  onChange(value: readonly Recipient[]): void
  /** Stands at the end of the row. */
  children?: ReactNode
}) {
  const id = useId()
  const field = useRef<HTMLInputElement>(null)
  const [text, setText] = useState('')
  const [at, setAt] = useState(-1)
  const [isHidden, setHidden] = useState(false)
  const found = useContacts(accountId, text)
  const offered = found.filter(({ email }) => !value.some(each => lowerAscii(each.email) === lowerAscii(email)))
  const isOpen = text.trim() !== '' && offered.length > 0 && !isHidden
  const chosen = isOpen ? offered[at] : undefined
  const add = (more: readonly Recipient[]) => {
    setText('')
    setAt(-1)
    if (more.length > 0) onChange(addRecipients(value, more))
  }
  const remove = (email: string) => {
    onChange(value.filter(each => each.email !== email))
    field.current?.focus()
  }
  const take = () => add(chosen ? [chosen] : parseRecipients(text))
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    if (event.key === 'Backspace' && text === '' && value.length > 0) return remove(value.at(-1)!.email)
    if (isOpen && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
      event.preventDefault()
      const by = event.key === 'ArrowDown' ? 1 : -1
      return setAt((at + by + offered.length + (at < 0 && by < 0 ? 1 : 0)) % offered.length)
    }
    if (isOpen && event.key === 'Escape') {
      event.preventDefault()
      event.stopPropagation()
      return setHidden(true)
    }
    const isEnd = [',', ';', 'Enter'].includes(event.key) || (event.key === 'Tab' && chosen !== undefined)
    if (!isEnd || event.ctrlKey || event.metaKey || text.trim() === '') {
      if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey) event.preventDefault()
      return
    }
    event.preventDefault()
    take()
  }
  const onPaste = (event: ClipboardEvent) => {
    const pasted = event.clipboardData.getData('text/plain')
    const several = parseRecipients(pasted)
    if (several.length < 2 && !several.some(({ email }) => isAddress(email))) return
    event.preventDefault()
    add(several)
  }
  return (
    <div className="relative flex gap-2 border-b py-1 focus-within:border-accent">
      <label htmlFor={id} className="w-14 shrink-0 pt-1.5 text-sm text-muted">
        {label}
      </label>
      <div className="flex min-w-0 flex-1 flex-wrap items-center gap-1">
        {value.map(recipient => (
          <Chip key={recipient.email} recipient={recipient} onRemove={() => remove(recipient.email)} />
        ))}
        <input
          ref={field}
          id={id}
          role="combobox"
          aria-expanded={isOpen}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={chosen ? `${id}-${at}` : undefined}
          value={text}
          onChange={event => {
            setText(event.target.value)
            setAt(-1)
            setHidden(false)
          }}
          onKeyDown={onKeyDown}
          onPaste={onPaste}
          onBlur={() => add(parseRecipients(text))}
          // biome-ignore lint/a11y/noAutofocus: the user opened the window to write
          autoFocus={isFirst}
          maxLength={mailBounds.email + mailBounds.name}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          type="text"
          inputMode="email"
          className="min-h-8 min-w-24 flex-1 bg-transparent text-base outline-none max-md:min-h-11"
        />
      </div>
      {children}
      {isOpen && (
        <div
          id={`${id}-list`}
          role="listbox"
          aria-label={`People for ${label}`}
          className="absolute top-full left-14 z-30 grid max-h-72 w-[calc(100%-3.5rem)] max-w-md overflow-y-auto rounded-md border bg-raised py-1 shadow-float"
        >
          {offered.map(({ email, name }, index) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the input handles the keys
            <div
              key={email}
              id={`${id}-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === at}
              // Pointer down comes before the blur that would close the list.
              onPointerDown={event => event.preventDefault()}
              onClick={() => add([{ email, name }])}
              className={classNames(
                'min-h-11 cursor-pointer px-3 py-1 text-sm md:min-h-9',
                index === at && 'bg-accent-tint',
              )}
            >
              {name && <bdi className="block truncate font-medium">{visibleText(name)}</bdi>}
              <bdi className="block truncate text-xs text-muted">{visibleText(email)}</bdi>
            </div>
          ))}
        </div>
      )}
      <span role="status" className="sr-only">
        {isOpen && `${offered.length} people found`}
      </span>
    </div>
  )
}

function Chip({ recipient: { email, name }, onRemove }: { recipient: Recipient; onRemove(): void }) {
  const isWrong = !isAddress(email)
  return (
    <span
      title={isWrong ? 'This is not an address' : visibleText(email)}
      className={classNames(
        'inline-flex max-w-full min-w-0 items-center rounded-md border text-sm',
        isWrong ? 'border-bad bg-bad-tint text-bad' : 'bg-sunken',
      )}
    >
      <bdi className="min-w-0 truncate py-0.5 ps-2">{visibleText(name ?? email)}</bdi>
      {name !== null && (
        <bdi className="ms-1 min-w-0 truncate text-xs text-muted max-md:hidden">{visibleText(email)}</bdi>
      )}
      {isWrong && <span className="sr-only">, not an address</span>}
      <button
        type="button"
        aria-label={`Remove ${visibleText(email)}`}
        onClick={onRemove}
        className="flex size-7 shrink-0 items-center justify-center rounded-sm text-muted hover:text-ink max-md:size-9"
      >
        <X className="size-3.5" aria-hidden="true" />
      </button>
    </span>
  )
}

/** Returns matching contacts; the previous matches stay until the new ones arrive, to avoid flicker. */
function useContacts(accountId: string, text: string): Recipient[] {
  const q = text.trim().slice(0, 100)
  const { data } = useQuery({
    queryKey: ['mail', accountId, 'contacts', q],
    queryFn: ({ signal }) =>
      call(api.mailIndex.listContacts, { params: { account_id: accountId }, query: { q, limit: '6' }, signal }),
    enabled: q !== '',
    placeholderData: keepPreviousData,
    // Completion is optional; typing works without it.
    retry: false,
  })
  return q === '' || !data ? [] : data.items.map(({ email, name }) => ({ email, name }))
}
