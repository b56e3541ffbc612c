/** What the users of a known provider must know. */
import { Badge, ToneIcon } from '../ui/badge.tsx'
import { classNames } from '../ui/class-names.ts'
import { type Tone, toneTint } from '../ui/tone.ts'
import type { KnownProvider } from './known-servers.ts'

export function ProviderNote({ provider: { name, note, refusesPasswords } }: { provider: KnownProvider }) {
  const tone: Tone = refusesPasswords ? 'warn' : 'info'
  return (
    <div role="status" className={classNames('flex gap-2 rounded-md p-3 text-sm', toneTint[tone])}>
      <span className="mt-0.5">
        <ToneIcon tone={tone} />
      </span>
      <div className="grid min-w-0 gap-1 text-ink">
        <p>
          This is <strong className="font-semibold">{name}</strong>, whose servers are known.
        </p>
        {note && <p>{note}</p>}
        {refusesPasswords && (
          <p>
            <Badge tone="warn">Likely to fail</Badge>
          </p>
        )}
      </div>
    </div>
  )
}
