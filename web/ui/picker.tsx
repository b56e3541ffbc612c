/** A combobox in a dialog: type a few letters, choose with the arrows, confirm with Enter. */
import { type LucideIcon, Search } from 'lucide-react'
import { type KeyboardEvent, useEffect, useId, useLayoutEffect, useRef, useState } from 'react'
import { findFuzzy } from '../palette/fuzzy.ts'
import { formatCount } from '../platform/format.ts'
import { classNames } from './class-names.ts'
import { useReturnFocus } from './use-return-focus.ts'

export interface PickerItem {
  id: string
  name: string
  /** Distinguishes items with equal names; it is searched, too. */
  detail: string
  /** A word at the end of the row. */
  kind: string
  icon: LucideIcon
}

/** Maximum rows shown; typing another letter narrows them down. */
const mostShown = 50

/** The dialog; mount it while it is open. */
export function Picker<Item extends PickerItem>({
  title,
  label,
  items,
  madeOf,
  note,
  early,
  onChoose,
  onClose,
}: {
  /** Accessible name of the dialog: what the choice is for. */
  title: string
  /** Label and placeholder of the input. */
  label: string
  items: readonly Item[]
  /** Creates an item from the typed text, offered last. */
  madeOf?: (typed: string) => Item | undefined
  /** Shown instead of `No matches`. */
  note?: string | undefined
  /** What was typed, and what had the focus, before this component was loaded. */
  early?: { typed: string; isEntered: boolean; opener: Element | null }
  onChoose(item: Item): void
  onClose(): void
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  const [query, setQuery] = useState('')
  const [place, setPlace] = useState(0)
  const [isEntered, setEntered] = useState(false)
  // In a layout effect, so that no keystroke is lost between render and focus.
  useLayoutEffect(() => {
    const element = dialog.current
    element?.showModal()
    return () => element?.close()
  }, [])
  // Takes over the text only now, when keystrokes no longer reach the stand-in; it may have been rendered some
  // keystrokes ago.
  useLayoutEffect(() => {
    setQuery(early?.typed ?? '')
    setEntered(early?.isEntered ?? false)
  }, [early])
  useReturnFocus(early?.opener)
  const found = findFuzzy(query, items, ({ name, detail }) => `${name} ${detail}`, mostShown)
  const made = query.trim() === '' ? undefined : madeOf?.(query.trim())
  const shown = made ? [...found, made] : found
  const active = Math.min(place, shown.length - 1)
  const idOf = (index: number) => `${id}-${index}`
  const choose = (item: Item | undefined) => {
    if (!item) return
    onClose()
    onChoose(item)
  }
  // An early Enter applies until something else is typed, because its item may still have to be loaded.
  const waiting = isEntered && query === early?.typed ? shown[active] : undefined
  useEffect(() => {
    if (waiting) choose(waiting)
  })
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step !== undefined && shown.length > 0) {
      event.preventDefault()
      setPlace((active + step + shown.length) % shown.length)
    }
    if (event.key === 'Enter') {
      event.preventDefault()
      choose(shown[active])
    }
  }
  return (
    <dialog
      ref={dialog}
      aria-label={title}
      closedby="any"
      onCancel={event => {
        event.preventDefault()
        onClose()
      }}
      className="mx-auto mt-[12dvh] max-h-[70dvh] w-[calc(100%-2rem)] max-w-xl flex-col overflow-hidden rounded-lg border bg-surface text-ink shadow-float open:flex"
    >
      <div className="relative border-b">
        <Search
          className="pointer-events-none absolute top-1/2 left-4 size-4 -translate-y-1/2 text-muted"
          aria-hidden="true"
        />
        <input
          // A dialog focuses the element with this attribute when it opens; React does not write it.
          ref={input => input?.setAttribute('autofocus', '')}
          role="combobox"
          aria-label={label}
          aria-expanded="true"
          aria-controls={`${id}-list`}
          aria-activedescendant={shown.length > 0 ? idOf(active) : undefined}
          aria-autocomplete="list"
          placeholder={label}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          maxLength={100}
          value={query}
          onChange={event => {
            setQuery(event.target.value)
            setPlace(0)
            setEntered(false)
          }}
          onKeyDown={onKeyDown}
          className="min-h-12 w-full bg-transparent pr-4 pl-11 text-base outline-none"
        />
      </div>
      <div id={`${id}-list`} role="listbox" aria-label="Matches" className="min-h-0 overflow-y-auto p-1.5">
        {shown.map((item, index) => (
          <Option
            key={item.id}
            id={idOf(index)}
            item={item}
            isActive={index === active}
            onChoose={() => choose(item)}
          />
        ))}
      </div>
      {shown.length === 0 && <p className="px-4 pb-4 text-sm text-muted">{note ?? 'No matches.'}</p>}
      <p role="status" className="sr-only">
        {shown.length === 0 ? 'No matches' : formatCount(shown.length, 'result')}
      </p>
    </dialog>
  )
}

/** An option; the focus stays in the input, whose `aria-activedescendant` names the active one. */
function Option({
  id,
  item: { name, detail, kind, icon: Icon },
  isActive,
  onChoose,
}: {
  id: string
  item: PickerItem
  isActive: boolean
  onChoose(): void
}) {
  const option = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (isActive) option.current?.scrollIntoView({ block: 'nearest' })
  }, [isActive])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the input keeps the focus and handles the keys
    <div
      ref={option}
      id={id}
      role="option"
      tabIndex={-1}
      aria-selected={isActive}
      onClick={onChoose}
      className={classNames(
        'flex min-h-9 cursor-pointer items-center gap-3 rounded-md px-2.5 text-sm',
        isActive ? 'bg-accent-tint text-accent' : 'hover:bg-sunken',
      )}
    >
      <Icon className="size-4 shrink-0" aria-hidden="true" />
      <span className="min-w-0 flex-1 truncate">
        <bdi>{name}</bdi>
        {detail && <bdi className={classNames('ml-2 text-xs', !isActive && 'text-muted')}>{detail}</bdi>}
      </span>
      <span className={classNames('shrink-0 text-xs', !isActive && 'text-muted')}>{kind}</span>
    </div>
  )
}
