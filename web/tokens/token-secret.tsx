/** A token that was just issued: its secret, shown this once, and the lines that use it. */
import { Button } from '../ui/button.tsx'
import { CopyField, CopyLines } from '../ui/copy-lines.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { linesFor } from './token-lines.ts'
import type { IssuedToken } from './use-tokens.ts'

export function TokenSecret({ title, issued, onClose }: { title: string; issued: IssuedToken; onClose(): void }) {
  const examples = linesFor({ origin: location.origin, ...issued })
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={title}
      size="lg"
      footer={
        <Button variant="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      <div className="grid gap-4">
        <CopyField
          label={`Secret of ${issued.info.name}`}
          text={issued.token}
          hint="It is shown this once: RustyMail keeps no copy. Whoever has it may do what the token may."
        />
        <section className="grid gap-3">
          <h3 className="text-sm font-semibold">How to use it</h3>
          {examples.map(({ title: words, lines }) => (
            <CopyLines key={words} title={words} lines={lines} />
          ))}
          <p className="text-xs text-muted">
            A browser’s <code className="font-mono">EventSource</code> cannot send the header with the token; these
            lines can. They run as they are in Node, Deno and Bun.
          </p>
        </section>
      </div>
    </Dialog>
  )
}
