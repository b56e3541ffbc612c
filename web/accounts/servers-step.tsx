/** The second step: where its servers are. */
import type { AccountDraft } from './account-draft.ts'
import { ProviderNote } from './provider-note.tsx'
import { ServerFields } from './server-fields.tsx'
import { SmtpSection } from './smtp-section.tsx'
import { FailureNote } from './trouble-note.tsx'
import type { ConnectWizard } from './use-connect-wizard.ts'

export function ServersStep({ wizard }: { wizard: ConnectWizard }) {
  const { draft, faults, provider, connecting, change } = wizard
  return (
    <>
      {connecting.error && <FailureNote error={connecting.error} onAllowed={{ label: 'connect', act: wizard.toTry }} />}
      {!connecting.error && provider && <ProviderNote provider={provider} />}
      {!connecting.error && !provider && (
        <p className="text-sm text-soft">
          These are guessed from the address. Your provider lists the right ones in its help pages.
        </p>
      )}
      <ServerFields
        part="imap"
        legend="Incoming mail (IMAP)"
        server={draft.imap}
        faults={faults}
        onChange={imap => change({ ...draft, imap })}
      />
      <SmtpSection
        draft={draft}
        faults={faults}
        passwordHint="Leave empty if it is the same as for IMAP."
        onChange={(changed: AccountDraft) => change(changed)}
      />
    </>
  )
}
