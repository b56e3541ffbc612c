/** A newly issued token: its secret, shown once, and code that uses it. */
import type { ReactNode } from 'react'
import { FirstCall } from '../agents/first-call.tsx'
import { SetUp } from '../agents/set-up.tsx'
import { CopyField, CopyLines } from '../ui/copy-lines.tsx'
import { ShownOnceDialog } from '../ui/shown-once-dialog.tsx'
import { type ExampleLines, linesFor } from './token-lines.ts'
import type { IssuedToken } from './use-tokens.ts'

export function TokenSecret({ title, issued, onClose }: { title: string; issued: IssuedToken; onClose(): void }) {
  const { origin } = location
  return (
    <ShownOnceDialog title={title} size="lg" onClose={onClose}>
      <div className="grid gap-4">
        <CopyField
          label={`Secret of ${issued.info.name}`}
          text={issued.token}
          hint="It is shown only once: RustyMail keeps no copy. Anyone who has it can do what the token may do."
        />
        <section className="grid gap-3">
          <h3 className="text-sm font-semibold">Use it in an agent, over MCP</h3>
          <SetUp token={issued.token} />
          <FirstCall tokenId={issued.info.id} />
          <p className="text-xs text-muted">
            The agent finds the tools that the token’s scopes allow. Do not commit files that contain the token.
          </p>
        </section>
        <Examples
          title="Use it in a program"
          examples={linesFor({ origin, ...issued })}
          note={
            <>
              A browser’s own <code className="font-mono">EventSource</code> cannot send the header with the token. That
              of the npm package <code className="font-mono">eventsource</code> has the same interface, and can.
            </>
          }
        />
      </div>
    </ShownOnceDialog>
  )
}

function Examples({ title, examples, note }: { title: string; examples: ExampleLines[]; note: ReactNode }) {
  return (
    <section className="grid gap-3">
      <h3 className="text-sm font-semibold">{title}</h3>
      {examples.map(({ title: words, lines }) => (
        <CopyLines key={words} title={words} lines={lines} />
      ))}
      <p className="text-xs text-muted">{note}</p>
    </section>
  )
}
