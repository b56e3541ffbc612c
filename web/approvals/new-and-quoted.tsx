/** A reply's new and quoted parts, compared with the message that it answers. */
import { useState } from 'react'
import type { Approval } from '../../contract/approvals.ts'
import { useMessage } from '../mail/open-message.tsx'
import { formatCount } from '../platform/format.ts'
import { visibleLines } from '../platform/visible-text.ts'
import { ToneIcon } from '../ui/badge.tsx'
import { classNames } from '../ui/class-names.ts'
import { blocksOf, type TextBlock } from './quoted-text.ts'

export function NewAndQuoted({
  accountId,
  message,
  text,
}: {
  accountId: string
  message: NonNullable<Approval['message']>
  text: string
}) {
  const name = message.ref ?? message.id ?? ''
  const { data, error } = useMessage(accountId, name, name !== '')
  const blocks = blocksOf(text, data?.text ?? null)
  return (
    <div className="grid grid-cols-1 gap-2 p-4">
      {error && (
        <p className="text-sm text-muted">The original message could not be loaded, so the quotes cannot be checked.</p>
      )}
      {blocks.map((block, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the blocks of a text never change
        <Block key={index} block={block} />
      ))}
    </div>
  )
}

function Block({ block: { kind, lines } }: { block: TextBlock }) {
  const [isOpen, setOpen] = useState(false)
  const words = visibleLines(lines.join('\n'))
  if (kind === 'quoted') {
    return (
      <div className="grid grid-cols-1 gap-1">
        <button
          type="button"
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
          className="min-h-11 w-fit rounded-md border border-dashed px-3 text-xs font-medium text-soft hover:bg-sunken md:min-h-8"
        >
          {isOpen ? 'Hide' : 'Show'} {formatCount(lines.length, 'quoted line')}
        </button>
        {isOpen && <Text words={words} className="border-s-2 ps-3 text-muted" />}
      </div>
    )
  }
  if (kind === 'new') return <Text words={words} className="border-s-4 border-accent ps-3 font-medium" />
  return (
    <div className="grid grid-cols-1 gap-1 rounded-md bg-warn-tint p-3">
      <p className="flex items-center gap-2 text-sm">
        <ToneIcon tone="warn" />
        Marked as a quote, but the original message does not say this.
      </p>
      <Text words={words} className="font-medium" />
    </div>
  )
}

function Text({ words, className }: { words: string; className: string }) {
  return (
    <div
      dir="auto"
      className={classNames('max-w-3xl text-base break-words whitespace-pre-wrap [unicode-bidi:plaintext]', className)}
    >
      {words}
    </div>
  )
}
