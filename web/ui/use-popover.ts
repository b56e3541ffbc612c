/** Opens a popover below a button, and closes it on Escape or when the focus or pointer goes elsewhere. */
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
  /** Closes it and returns the focus to the button. */
  const close = () => {
    setOpen(false)
    opener.current?.focus()
  }
  return {
    isOpen,
    /** Ref of the element around the button and its popover. */
    box,
    opener,
    toggle: () => setOpen(!isOpen),
    close,
    /** Closes it on navigation, without moving the focus. */
    leave: () => setOpen(false),
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || !isOpen) return
      // Escape must not also close what is behind it.
      event.preventDefault()
      close()
    },
  }
}
