/** Short notes on what the user just did. Everything else goes to the change feed. */
import { X } from 'lucide-react'
import { createContext, type ReactNode, useCallback, useContext, useEffect, useState } from 'react'
import { ToneIcon } from './badge.tsx'
import { IconButton } from './icon-button.tsx'
import type { Tone } from './tone.ts'

export interface ToastInput {
  tone: Tone
  title: string
  detail?: string
}

interface ShownToast extends ToastInput {
  id: string
}

/** More would cover the page; the oldest is removed. */
const mostShown = 3
const shownMs = 6_000

const ToastContext = createContext<((toast: ToastInput) => void) | undefined>(undefined)

export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<ShownToast[]>([])
  const show = useCallback((toast: ToastInput) => {
    setToasts(before => [...before, { ...toast, id: Math.random().toString(36) }].slice(-mostShown))
  }, [])
  const close = useCallback((id: string) => setToasts(before => before.filter(toast => toast.id !== id)), [])
  return (
    <ToastContext value={show}>
      {children}
      <div
        role="status"
        className="pointer-events-none fixed right-4 bottom-20 z-40 grid w-80 max-w-[calc(100%-2rem)] gap-2 md:bottom-4"
      >
        {toasts.map(toast => (
          <ToastCard key={toast.id} toast={toast} onClose={close} />
        ))}
      </div>
    </ToastContext>
  )
}

/** `const toast = useToast(); toast({ tone: 'good', title: 'Saved' })`. */
export function useToast(): (toast: ToastInput) => void {
  const show = useContext(ToastContext)
  if (!show) throw new Error('there is no ToastProvider above')
  return show
}

function ToastCard({ toast, onClose }: { toast: ShownToast; onClose(id: string): void }) {
  const { id, tone, title, detail } = toast
  const [isHeld, setHeld] = useState(false)
  useEffect(() => {
    if (isHeld) return
    const timer = setTimeout(() => onClose(id), shownMs)
    return () => clearTimeout(timer)
  }, [id, isHeld, onClose])
  return (
    <div
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      className="pointer-events-auto flex items-start gap-2 rounded-lg border bg-raised py-1.5 pr-1.5 pl-3 shadow-float"
    >
      <span className="mt-2">
        <ToneIcon tone={tone} />
      </span>
      <div className="min-w-0 flex-1 py-1.5 text-sm">
        <p className="font-medium">{title}</p>
        {detail && <p className="text-soft">{detail}</p>}
      </div>
      <IconButton icon={X} label="Close this note" onClick={() => onClose(id)} />
    </div>
  )
}
