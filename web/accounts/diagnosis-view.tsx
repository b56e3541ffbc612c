/** A diagnosis: the verdict, what to do, each step, and the last lines to and from the mail servers. */
import { Link } from 'wouter'
import type { Diagnosis, DiagnosisCheck, SpokenLine } from '../../contract/diagnose.ts'
import { formatClock, formatCount } from '../platform/format.ts'
import { StatePill } from '../ui/badge.tsx'
import { Card } from '../ui/card.tsx'
import { classNames } from '../ui/class-names.ts'
import { toneTint } from '../ui/tone.ts'
import { withLocalTimes } from './local-times.ts'
import { checkWords, partWords, stateWordsOfCheck, toneOfCheck } from './use-diagnosis.ts'

const parts = ['imap', 'smtp', 'account'] as const

export function DiagnosisView({ accountId, diagnosis }: { accountId: string; diagnosis: Diagnosis }) {
  return (
    <>
      <Verdict accountId={accountId} diagnosis={diagnosis} />
      {parts.map(part => {
        const checks = diagnosis.checks.filter(check => check.part === part)
        if (checks.length === 0) return null
        return (
          <Card key={part} title={partWords[part]} isFlush>
            <ol>
              {checks.map(check => (
                <CheckRow key={check.id} check={check} />
              ))}
            </ol>
          </Card>
        )
      })}
      <Card title="Last lines to and from the mail servers">
        <Lines lines={diagnosis.lines} />
      </Card>
    </>
  )
}

function Verdict({ accountId, diagnosis: { state, verdict, advice } }: { accountId: string; diagnosis: Diagnosis }) {
  const tone = toneOfCheck[state]
  return (
    <section aria-label="Verdict" className={classNames('grid gap-3 rounded-lg border p-4', toneTint[tone])}>
      <p className="flex flex-wrap items-baseline gap-2 text-base font-semibold break-words">
        <StatePill tone={tone}>{stateWordsOfCheck[state]}</StatePill>
        <span className="min-w-0">{withLocalTimes(verdict)}</span>
      </p>
      {advice.length > 0 && (
        <div className="grid gap-1 text-sm">
          <h2 className="font-medium">What to do</h2>
          <ol className="grid list-decimal gap-1 pl-5 break-words">
            {advice.map(step => (
              <li key={step}>
                <Advice accountId={accountId} words={step} />
              </li>
            ))}
          </ol>
        </div>
      )}
    </section>
  )
}

const accountPage = 'the page of the account'

/** A piece of advice, with a link to the page of the account where it is named. */
function Advice({ accountId, words }: { accountId: string; words: string }) {
  const at = words.indexOf(accountPage)
  if (at < 0) return withLocalTimes(words)
  return (
    <>
      {withLocalTimes(words.slice(0, at))}
      <Link href={`/accounts/${accountId}`} className="text-accent underline">
        {accountPage}
      </Link>
      {withLocalTimes(words.slice(at + accountPage.length))}
    </>
  )
}

function CheckRow({ check: { id, state, words, details, ms } }: { check: DiagnosisCheck }) {
  const isTrouble = state === 'failed' || state === 'warning'
  return (
    <li className="grid gap-1 border-b px-4 py-2.5 text-sm last:border-b-0">
      <p className="flex flex-wrap items-center justify-between gap-x-3">
        <span className="font-medium">{checkWords[id]}</span>
        <span className="flex items-center gap-2 text-xs text-muted">
          {ms > 0 && `${ms} ms`}
          <StatePill tone={toneOfCheck[state]}>{stateWordsOfCheck[state]}</StatePill>
        </span>
      </p>
      <p className="text-soft break-words">{withLocalTimes(words)}</p>
      {details.length > 0 && (
        <details open={isTrouble || undefined}>
          <summary className="inline-flex cursor-pointer items-center rounded-sm text-xs font-medium text-accent">
            Details<span className="sr-only">: {checkWords[id]}</span>
          </summary>
          <dl className="mt-1 grid gap-x-4 gap-y-0.5 text-xs sm:grid-cols-[minmax(8rem,max-content)_1fr]">
            {details.map(({ name, value }) => (
              <div key={`${name} ${value}`} className="contents">
                <dt className="text-muted">{name}</dt>
                <dd className="min-w-0 break-words max-sm:mb-1">{withLocalTimes(value)}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </li>
  )
}

function Lines({ lines }: { lines: readonly SpokenLine[] }) {
  if (lines.length === 0) return <p className="text-sm text-soft">None since this server started.</p>
  return (
    <details>
      <summary className="inline-flex cursor-pointer items-center rounded-sm text-sm font-medium text-accent">
        {formatCount(lines.length, 'line')}, without passwords, tokens, addresses and mail
      </summary>
      <div
        // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard
        tabIndex={0}
        className="relative mt-2 max-h-96 overflow-auto rounded-md border p-2 focus-visible:-outline-offset-2"
      >
        <ol aria-label="Last lines" className="font-mono text-xs">
          {lines.map(({ at, part, connection, from, text, count }, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the same line may occur twice at the same time
            <li key={index} className="flex gap-2 break-all">
              <span className="shrink-0 text-muted">
                {formatClock(Date.parse(at))} {part}#{connection}
              </span>
              <span className={from === 'client' ? 'text-soft' : 'text-ink'}>
                <span aria-hidden="true">{from === 'client' ? '> ' : '< '}</span>
                <span className="sr-only">{from === 'client' ? 'sent: ' : 'received: '}</span>
                {text}
                {count > 1 && ` (${formatCount(count, 'time')})`}
              </span>
            </li>
          ))}
        </ol>
      </div>
    </details>
  )
}
