/** Opens something below a button, and closes it by Escape or when one turns to something else. */
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'

export function usePopover() {
  const [isOpen, setOpen] = useState(false)
  const box = useRef<HTMLDivElement>(null)
  const opener = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    if (!isOpen) return
    const closeOutside = (event: Event) => {
      if (event.target instanceof Node && !box.current?.contains(event.target)) setOpen(false)
    }
    document.addEventListener('pointerdown', closeOutside)
    document.addEventListener('focusin', closeOutside)
    return () => {
      document.removeEventListener('pointerdown', closeOutside)
      document.removeEventListener('focusin', closeOutside)
    }
  }, [isOpen])
  /** Back to the button, for the keyboard. */
  const close = () => {
    setOpen(false)
    opener.current?.focus()
  }
  return {
    isOpen,
    /** Around the button and what it opens. */
    box,
    opener,
    toggle: () => setOpen(!isOpen),
    close,
    /** When one goes to another page. */
    leave: () => setOpen(false),
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || !isOpen) return
      // What is behind it stays open.
      event.preventDefault()
      close()
    },
  }
}
