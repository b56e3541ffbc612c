/** Toasts: short feedback on the user's own actions. Everything else goes to the change feed. */
import { X } from 'lucide-react'
import { createContext, type ReactNode, useCallback, useContext, useEffect, useState } from 'react'
import { createPortal } from 'react-dom'
import { ToneIcon } from './badge.tsx'
import { Button } from './button.tsx'
import { IconButton } from './icon-button.tsx'
import type { Tone } from './tone.ts'

export interface ToastInput {
  /** A later toast with the same ID replaces this one. */
  id?: string
  tone: Tone
  title: string
  detail?: string
  /** An action, after which the toast closes. */
  action?: ToastAction
}

export interface ToastAction {
  label: string
  /** The keyboard shortcut of the action. */
  hint?: string
  onAct(): void
}

type ShownToast = ToastInput & { id: string; shown: number }

/** Maximum toasts shown; past this, the oldest is removed. */
const mostShown = 3
const shownMs = 6_000
/** Milliseconds for which a toast with an action stays, longer than one without. */
const shownWithActionMs = 12_000

const ToastContext = createContext<((toast: ToastInput) => void) | undefined>(undefined)
const PlaceContext = createContext<HTMLElement | null>(null)

export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<ShownToast[]>([])
  const [place, setPlace] = useState<HTMLElement | null>(null)
  const show = useCallback((toast: ToastInput) => {
    const shown: ShownToast = { ...toast, id: toast.id ?? Math.random().toString(36), shown: Math.random() }
    setToasts(before => [...before.filter(({ id }) => id !== shown.id), shown].slice(-mostShown))
  }, [])
  const close = useCallback((id: string) => setToasts(before => before.filter(toast => toast.id !== id)), [])
  return (
    <ToastContext value={show}>
      <PlaceContext value={place}>{children}</PlaceContext>
      <div
        role="status"
        className="note-place pointer-events-none fixed right-4 z-40 grid w-80 max-w-[calc(100%-2rem)] gap-2"
      >
        <div ref={setPlace} className="min-w-0 empty:hidden" />
        {toasts.map(toast => (
          <ToastCard key={toast.shown} toast={toast} onClose={close} />
        ))}
      </div>
    </ToastContext>
  )
}

/** Returns the function that shows a toast: `const toast = useToast(); toast({ tone: 'good', title: 'Saved' })`. */
export function useToast(): (toast: ToastInput) => void {
  const show = useContext(ToastContext)
  if (!show) throw new Error('there is no ToastProvider above')
  return show
}

/** Places a longer-lived note among the toasts, so that they do not overlap. */
export function NoteAmongToasts({ children }: { children: ReactNode }) {
  const place = useContext(PlaceContext)
  return place && createPortal(children, place)
}

function ToastCard({ toast, onClose }: { toast: ShownToast; onClose(id: string): void }) {
  const { id, tone, title, detail, action } = toast
  const [isHeld, setHeld] = useState(false)
  const ms = action ? shownWithActionMs : shownMs
  useEffect(() => {
    if (isHeld) return
    const timer = setTimeout(() => onClose(id), ms)
    return () => clearTimeout(timer)
  }, [id, ms, isHeld, onClose])
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a hovered or focused toast stays
    <div
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
      className="pointer-events-auto flex items-start gap-2 rounded-lg border bg-raised py-1.5 pr-1.5 pl-3 shadow-float"
    >
      <span className="mt-2">
        <ToneIcon tone={tone} />
      </span>
      <div className="min-w-0 flex-1 py-1.5 text-sm wrap-anywhere">
        <p className="font-medium">{title}</p>
        {detail && <p className="text-soft">{detail}</p>}
      </div>
      {action && (
        <Button
          variant="quiet"
          size="sm"
          className="mt-0.5 text-accent"
          onClick={() => {
            onClose(id)
            action.onAct()
          }}
        >
          {action.label}
          {action.hint && (
            <kbd className="rounded-sm border bg-sunken px-1 font-mono text-2xs text-muted">{action.hint}</kbd>
          )}
        </Button>
      )}
      <IconButton icon={X} label="Close this note" onClick={() => onClose(id)} />
    </div>
  )
}
