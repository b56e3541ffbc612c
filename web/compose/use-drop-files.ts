/** Files dropped into a window or pasted into it. */
import { type ClipboardEvent, type DragEvent, useRef, useState } from 'react'

export function useDropFiles(take: (file: File) => void) {
  const [isOver, setOver] = useState(false)
  // Depth of nested dragenter and dragleave events, which every child fires.
  const depth = useRef(0)
  const hasFiles = (event: DragEvent) => event.dataTransfer.types.includes('Files')
  const move = (by: number) => {
    depth.current = Math.max(0, depth.current + by)
    setOver(depth.current > 0)
  }
  const handlers = {
    onDragEnter: (event: DragEvent) => {
      if (hasFiles(event)) move(1)
    },
    onDragLeave: (event: DragEvent) => {
      if (hasFiles(event)) move(-1)
    },
    onDragOver: (event: DragEvent) => {
      if (hasFiles(event)) event.preventDefault()
    },
    onDrop: (event: DragEvent) => {
      move(Number.NEGATIVE_INFINITY)
      if (!hasFiles(event)) return
      event.preventDefault()
      for (const file of event.dataTransfer.files) take(file)
    },
    onPaste: (event: ClipboardEvent) => {
      const { files } = event.clipboardData
      // Some programs put an image of the text on the clipboard beside the text.
      if (files.length === 0 || event.clipboardData.getData('text/plain') !== '') return
      event.preventDefault()
      for (const file of files) take(file)
    },
  }
  return { isOver, handlers }
}
