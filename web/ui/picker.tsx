/** A field and a list of what fits: one types a few letters, chooses with the arrows, and Enter takes it. */
import { type LucideIcon, Search } from 'lucide-react'
import { type KeyboardEvent, useEffect, useId, useLayoutEffect, useRef, useState } from 'react'
import { findFuzzy } from '../palette/fuzzy.ts'
import { formatCount } from '../platform/format.ts'
import { classNames } from './class-names.ts'
import { useReturnFocus } from './use-return-focus.ts'

export interface PickerItem {
  id: string
  name: string
  /** What tells it from others of its name; it is searched too. */
  detail: string
  /** A word at the end of its line. */
  kind: string
  icon: LucideIcon
}

/** To narrow them down, type another letter. */
const mostShown = 50

/** Mounted while it is open. */
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
  /** What the choice is for. */
  title: string
  /** What is to be typed. */
  label: string
  items: readonly Item[]
  /** What can be made of the typed text, offered last. */
  madeOf?: (typed: string) => Item | undefined
  /** Shown in place of `No matches`. */
  note?: string | undefined
  /** What was typed before this was loaded, and what had the focus then. */
  early?: { typed: string; isEntered: boolean; opener: Element | null }
  onChoose(item: Item): void
  onClose(): void
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  const [query, setQuery] = useState('')
  const [place, setPlace] = useState(0)
  const [isEntered, setEntered] = useState(false)
  // Before the next key: one that comes in between would be lost.
  useLayoutEffect(() => {
    const element = dialog.current
    element?.showModal()
    return () => element?.close()
  }, [])
  // Only now nothing is typed elsewhere any more: it may have been drawn some keys ago.
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
  // Until something else is typed: what it is meant for may have to be loaded first.
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
          // A dialog that opens gives the focus to what has this attribute, which React does not write.
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

/** The focus stays in the field: this is the one that it speaks of. */
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
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are heard by the field, which keeps the focus
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
