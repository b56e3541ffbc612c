/** The second step of connecting: the servers. */
import { Radios } from '../ui/choice.tsx'
import type { AccountDraft } from './account-draft.ts'
import { foundBy, settingsTitle } from './discovery-words.ts'
import { ServerFields } from './server-fields.tsx'
import { SmtpSection } from './smtp-section.tsx'
import { FailureNote } from './trouble-note.tsx'
import type { ConnectWizard } from './use-connect-wizard.ts'

export function ServersStep({ wizard }: { wizard: ConnectWizard }) {
  const { draft, faults, candidates, chosen, connecting, change } = wizard
  const hasPassword = wizard.password !== 'none'
  return (
    <>
      {connecting.error && <FailureNote error={connecting.error} onAllowed={{ label: 'connect', act: wizard.toTry }} />}
      {candidates.length > 1 && (
        <Radios
          legend="Several settings were found"
          value={chosen?.id ?? ''}
          choices={candidates.map(candidate => ({
            value: candidate.id,
            label: settingsTitle(candidate),
            hint: sentence(foundBy(candidate)),
          }))}
          onChange={wizard.choose}
        />
      )}
      <ServerFields
        part="imap"
        legend="Incoming mail (IMAP)"
        server={draft.imap}
        faults={faults}
        hasPassword={hasPassword}
        onChange={imap => change({ ...draft, imap })}
      />
      <SmtpSection
        draft={draft}
        faults={faults}
        hasPassword={hasPassword}
        passwordHint="Leave empty if it is the same as for IMAP."
        onChange={(changed: AccountDraft) => change(changed)}
      />
    </>
  )
}

function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`
}
