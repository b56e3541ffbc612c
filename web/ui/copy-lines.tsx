/** Text to copy: a secret or link on one line, or lines of code. */
import { Check, Copy } from 'lucide-react'
import { type ReactNode, useRef } from 'react'
import { Button } from './button.tsx'
import { CopyButton } from './copy-button.tsx'
import { Field, Input } from './field.tsx'
import { useCopy } from './use-copy.ts'

/** A one-line text that is shown once. Without clipboard access it is selected, to be copied manually. */
export function CopyField({ label, hint, text }: { label: string; hint?: ReactNode; text: string }) {
  const box = useRef<HTMLInputElement>(null)
  const { outcome, copy } = useCopy(text)
  const selectAndCopy = () => {
    box.current?.focus()
    box.current?.select()
    copy()
  }
  return (
    <Field label={label} hint={hint}>
      <span className="flex flex-wrap gap-2">
        <span className="min-w-48 flex-1">
          <Input
            ref={box}
            readOnly
            value={text}
            className="font-mono"
            autoComplete="off"
            spellCheck={false}
            onFocus={event => event.target.select()}
          />
        </span>
        <Button variant="primary" icon={outcome === 'copied' ? Check : Copy} onClick={selectAndCopy}>
          {outcome === 'copied' ? 'Copied' : 'Copy'}
        </Button>
      </span>
      <span role="status" className="text-xs text-soft">
        {outcome === 'copied' && <span className="sr-only">Copied</span>}
        {outcome === 'failed' && 'This browser does not allow copying here. The text is selected: copy it manually.'}
      </span>
    </Field>
  )
}

/** Lines of code or configuration under a title. */
export function CopyLines({ title, lines }: { title: string; lines: string }) {
  return (
    <figure className="min-w-0">
      <figcaption className="flex items-center justify-between gap-2 text-xs text-muted">
        {title}
        <CopyButton text={lines} label={`Copy: ${title}`} />
      </figcaption>
      <pre className="mt-1 rounded-md bg-sunken p-3 font-mono text-xs break-all whitespace-pre-wrap text-ink">
        {lines}
      </pre>
    </figure>
  )
}
