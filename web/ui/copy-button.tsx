/** Copies a text to the clipboard and confirms it. */
import { Check, Copy } from 'lucide-react'
import { useCopy } from './use-copy.ts'

const shownMs = 1_500

/**
 * A button that copies `text`.
 * @param label Names what is copied: `Copy the address`.
 */
export function CopyButton({ text, label }: { text: string; label: string }) {
  const { outcome, copy } = useCopy(text, shownMs)
  const Icon = outcome === 'copied' ? Check : Copy
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      onClick={copy}
      className="inline-flex size-6 shrink-0 items-center justify-center rounded-sm text-muted hover:bg-sunken hover:text-ink"
    >
      <Icon className="size-3.5" aria-hidden="true" />
      <span role="status" className="sr-only">
        {outcome === 'copied' && 'Copied'}
        {outcome === 'failed' && 'Copy failed'}
      </span>
    </button>
  )
}
