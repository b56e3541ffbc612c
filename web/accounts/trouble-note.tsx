/** One named failure of a mail server: its cause, the server's response, and what to do. */
import type { ReactNode } from 'react'
import type { ConnectionFault } from '../../contract/problem.ts'
import { ApiProblem } from '../platform/api-client.ts'
import { Badge, ToneIcon } from '../ui/badge.tsx'
import { classNames } from '../ui/class-names.ts'
import { ErrorNote } from '../ui/error-state.tsx'
import { toneText, toneTint } from '../ui/tone.ts'
import type { Part } from './account-draft.ts'
import { AllowNetworks, type AllowNetworksProps } from './allow-networks.tsx'
import { faultWords, partNames } from './fault-words.ts'

export interface Trouble {
  cause: ConnectionFault | null
  part?: Part | undefined
  detail: string
  serverResponse?: string | null | undefined
  /** For a blocked private network: what would have to be allowed, and the setting that does it. */
  networks?: readonly string[] | undefined
  setting?: string | undefined
}

/**
 * The note.
 * @param extra Further advice, such as known quirks of the provider.
 * @param onAllowed What happens once a private network was allowed.
 */
export function TroubleNote({
  trouble: { cause, part, detail, serverResponse, networks, setting },
  tone = 'bad',
  extra,
  isAlert = false,
  onAllowed,
}: {
  trouble: Trouble
  tone?: 'bad' | 'warn'
  extra?: ReactNode
  isAlert?: boolean
  onAllowed?: AllowNetworksProps['onAllowed']
}) {
  const words = cause && faultWords[cause]
  return (
    <div
      role={isAlert ? 'alert' : undefined}
      className={classNames('flex gap-2 rounded-md p-3 text-sm forced-colors:border', toneTint[tone])}
    >
      <span className="mt-0.5">
        <ToneIcon tone={tone} />
      </span>
      <div className="grid min-w-0 flex-1 gap-1.5">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <strong className={classNames('font-semibold', toneText[tone])}>
            {words?.title ?? 'Rejected by the mail server'}
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
        {networks && <AllowNetworks networks={networks} setting={setting} onAllowed={onAllowed} />}
        {extra}
      </div>
    </div>
  )
}

/** A failed request: as a named failure if a mail server caused it, else in our server's words. */
export function FailureNote({
  error,
  extra,
  onAllowed,
}: {
  error: Error
  extra?: ReactNode
  onAllowed?: AllowNetworksProps['onAllowed']
}) {
  const trouble = troubleOf(error)
  if (!trouble) return <ErrorNote error={error} />
  return <TroubleNote trouble={trouble} extra={extra} onAllowed={onAllowed} isAlert />
}

export function troubleOf(error: Error): Trouble | undefined {
  if (!(error instanceof ApiProblem) || !error.body.cause) return undefined
  const { cause, part, detail, server_response: serverResponse, networks, setting } = error.body
  return { cause, part, detail, serverResponse, networks, setting }
}
