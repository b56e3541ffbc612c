/** The servers found for an address, and the steps of the discovery as they happen. */
import { type ReactNode, useState } from 'react'
import type { DiscoveredSettings, Discovery, DiscoveryStep } from '../../contract/autoconfig.ts'
import { ApiProblem } from '../platform/api-client.ts'
import { ToneIcon } from '../ui/badge.tsx'
import { classNames } from '../ui/class-names.ts'
import { type Tone, toneTint } from '../ui/tone.ts'
import { foundBy, settingsTitle, sourceWords, stepTones } from './discovery-words.ts'
import type { Look } from './use-discovery.ts'

export function DiscoveryNote({
  look,
  chosen,
  isGood = false,
}: {
  look: Look
  chosen: DiscoveredSettings | undefined
  /** Whether what was found needs no password. */
  isGood?: boolean
}) {
  const { email, discovery } = look
  const domain = discovery?.domain ?? email.slice(email.lastIndexOf('@') + 1)
  return (
    <Note tone={toneOf(look, chosen, isGood)}>
      <div role="status" className="grid gap-1">
        {chosen ? <Found settings={chosen} /> : <p>{wordsOf(look, domain)}</p>}
        {chosen && discovery?.state === 'running' && (
          <p className="flex items-center gap-1.5 text-xs text-soft">
            <ToneIcon tone="busy" /> Still checking other places
          </p>
        )}
      </div>
    </Note>
  )
}

/** What users of a provider must know before they log in. */
function ProviderHints({ settings }: { settings: DiscoveredSettings }) {
  const {
    note,
    documentation_url: documentation,
    is_elsewhere: isElsewhere,
    takes_passwords: takesPasswords,
  } = settings
  return (
    <>
      {note && <p>{note}</p>}
      {!note && !takesPasswords && <p>This provider accepts no passwords over IMAP, only OAuth.</p>}
      {isElsewhere && (
        <p>
          Only DNS names this server, and it is outside the domain of the address. Continue only if it is your
          provider’s.
        </p>
      )}
      {documentation && (
        <p>
          <a href={documentation} target="_blank" rel="noreferrer" className="text-accent underline">
            Instructions of the provider
          </a>
        </p>
      )}
    </>
  )
}

function Found({ settings }: { settings: DiscoveredSettings }) {
  return (
    <>
      <p className="wrap-anywhere">
        Servers found: <strong className="font-semibold">{settingsTitle(settings)}</strong>, {foundBy(settings)}.
      </p>
      <ProviderHints settings={settings} />
    </>
  )
}

/** The steps; use the discovery and the wizard step as key. */
export function DiscoverySteps({
  discovery: { state, steps },
  isCompact,
}: {
  discovery: Discovery
  /** Whether the steps start collapsed; otherwise they are shown as they happen. */
  isCompact: boolean
}) {
  // Open while there is something to watch; it does not close by itself while being read.
  const [isOpen] = useState(state === 'running' && !isCompact)
  const asked = steps.filter(({ state: its }) => its !== 'skipped').length
  if (asked <= 1 && state === 'finished') return null
  return (
    <details open={isOpen} className="px-3">
      <summary className="cursor-pointer text-xs text-soft">Places asked ({asked})</summary>
      <ul aria-label="Steps of the search" className="mt-1.5 grid gap-1.5">
        {steps.map(step => (
          <Step key={step.id} step={step} />
        ))}
      </ul>
    </details>
  )
}

function Step({ step: { source, place, state, words, duration_ms: ms } }: { step: DiscoveryStep }) {
  return (
    <li className={classNames('flex gap-2 text-xs', state === 'skipped' && 'text-muted')}>
      <span className="mt-0.5">
        <ToneIcon tone={stepTones[state]} />
      </span>
      <span className="min-w-0 flex-1">
        <span className="wrap-anywhere">
          <span className="font-medium">{sourceWords[source].step}</span>{' '}
          {source !== 'shipped' && <span className="text-muted">{place}</span>}
        </span>
        <span className="block wrap-anywhere text-soft">{words === '' ? 'Waiting for an answer' : words}</span>
      </span>
      {ms !== null && <span className="shrink-0 text-muted tabular-nums">{ms} ms</span>}
    </li>
  )
}

function Note({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <div className={classNames('flex gap-2 rounded-md p-3 text-sm', toneTint[tone])}>
      <span className="mt-0.5">
        <ToneIcon tone={tone} />
      </span>
      <div className="grid min-w-0 flex-1 gap-1 text-ink">{children}</div>
    </div>
  )
}

function toneOf({ discovery, error }: Look, chosen: DiscoveredSettings | undefined, isGood: boolean): Tone {
  if (chosen) return (chosen.takes_passwords || isGood) && !chosen.is_elsewhere ? 'good' : 'warn'
  if (error) return 'info'
  return discovery?.state === 'finished' ? 'info' : 'busy'
}

function wordsOf({ discovery, error }: Look, domain: string): string {
  if (error) {
    const reason = error instanceof ApiProblem ? (error.faultOf('body.email') ?? error.body.detail) : error.message
    return `The servers were not looked for. ${reason.charAt(0).toUpperCase()}${reason.slice(1)}`
  }
  if (discovery?.state !== 'finished') return `Looking for the servers of ${domain}`
  return `No servers were found for ${domain}. Your provider lists them in its help pages.`
}
