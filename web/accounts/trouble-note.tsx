/** One named failure of a mail server: which, why, in whose words, and what to do. */
import type { ReactNode } from 'react'
import type { ConnectionFault } from '../../contract/problem.ts'
import { ApiProblem } from '../platform/api-client.ts'
import { Badge, ToneIcon } from '../ui/badge.tsx'
import { classNames } from '../ui/class-names.ts'
import { ErrorNote } from '../ui/error-state.tsx'
import { toneText, toneTint } from '../ui/tone.ts'
import type { Part } from './account-draft.ts'
import { faultWords, partNames } from './fault-words.ts'

export interface Trouble {
  cause: ConnectionFault | null
  part?: Part | undefined
  detail: string
  serverResponse?: string | null | undefined
}

/** @param extra Further advice, such as what the provider is known for. */
export function TroubleNote({
  trouble: { cause, part, detail, serverResponse },
  tone = 'bad',
  extra,
  isAlert = false,
}: {
  trouble: Trouble
  tone?: 'bad' | 'warn'
  extra?: ReactNode
  isAlert?: boolean
}) {
  const words = cause && faultWords[cause]
  return (
    <div
      role={isAlert ? 'alert' : undefined}
      className={classNames('flex gap-2 rounded-md p-3 text-sm', toneTint[tone])}
    >
      <span className="mt-0.5">
        <ToneIcon tone={tone} />
      </span>
      <div className="grid min-w-0 flex-1 gap-1.5">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <strong className={classNames('font-semibold', toneText[tone])}>
            {words?.title ?? 'The mail server refused'}
          </strong>
          {part && <Badge>{partNames[part]}</Badge>}
        </p>
        <p className="text-ink">{detail}</p>
        {serverResponse && (
          <figure className="grid gap-0.5">
            <figcaption className="text-xs text-soft">The server said</figcaption>
            <blockquote className="border-l-2 border-line-strong pl-2 font-mono text-xs text-ink">
              {serverResponse}
            </blockquote>
          </figure>
        )}
        {words && <p className="text-soft">{words.advice}</p>}
        {extra}
      </div>
    </div>
  )
}

/** A failed request: as a named failure when a mail server caused it, else in the words of our server. */
export function FailureNote({ error, extra }: { error: Error; extra?: ReactNode }) {
  const trouble = troubleOf(error)
  return trouble ? <TroubleNote trouble={trouble} extra={extra} isAlert /> : <ErrorNote error={error} />
}

export function troubleOf(error: Error): Trouble | undefined {
  if (!(error instanceof ApiProblem) || !error.body.cause) return undefined
  const { cause, part, detail, server_response: serverResponse } = error.body
  return { cause, part, detail, serverResponse }
}
