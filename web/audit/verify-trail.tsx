/** Lets the server verify that no entry was changed, removed or reordered, and shows the result. */
import { ShieldCheck } from 'lucide-react'
import { formatClock } from '../platform/format.ts'
import { ToneIcon } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { ErrorNote } from '../ui/error-state.tsx'
import { toneText, toneTint } from '../ui/tone.ts'
import { type Verdict, verdictWords } from './audit-words.ts'
import type { useVerifyAudit } from './use-audit.ts'

type Verification = ReturnType<typeof useVerifyAudit>

export function VerifyButton({ verification: { mutate, isPending } }: { verification: Verification }) {
  return (
    <Button size="sm" icon={ShieldCheck} isBusy={isPending} onClick={() => mutate()}>
      {isPending ? 'Reading the whole trail' : 'Verify'}
    </Button>
  )
}

export function VerifyOutcome({
  verification: { data, error, isPending, submittedAt },
}: {
  verification: Verification
}) {
  return (
    <>
      <div role="status">{data && !isPending && <VerdictNote verdict={data} at={submittedAt} />}</div>
      {error && (
        <div className="mb-3">
          <ErrorNote error={error} />
        </div>
      )}
    </>
  )
}

function VerdictNote({ verdict, at }: { verdict: Verdict; at: number }) {
  const { tone, title, detail } = verdictWords(verdict)
  return (
    <div className={classNames('mb-3 flex gap-2 rounded-md p-3 text-sm', toneTint[tone])}>
      <span className="mt-0.5">
        <ToneIcon tone={tone} />
      </span>
      <div className="grid min-w-0 gap-1">
        <p className={classNames('font-semibold', toneText[tone])}>{title}</p>
        <p className="text-ink">{detail}</p>
        <p className="text-xs text-soft">Checked at {formatClock(at)}.</p>
      </div>
    </div>
  )
}
