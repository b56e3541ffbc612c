/** Connects a mailbox in three steps: address, servers, test. */
import { type FormEvent, useId, useRef } from 'react'
import type { Account } from '../../contract/accounts.ts'
import { Button, ButtonLink } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { Dialog } from '../ui/dialog.tsx'
import { AddressStep } from './address-step.tsx'
import { DiscoveryNote, DiscoverySteps } from './discovery-note.tsx'
import { ServersStep } from './servers-step.tsx'
import { SignInOffer } from './sign-in-offer.tsx'
import { troubleOf } from './trouble-note.tsx'
import { TryStep } from './try-step.tsx'
import { type ConnectWizard, useConnectWizard, type WizardStep } from './use-connect-wizard.ts'
import { useFieldFocus } from './use-dialog-focus.ts'

const steps: readonly { step: WizardStep; label: string }[] = [
  { step: 'address', label: 'Address' },
  { step: 'servers', label: 'Servers' },
  { step: 'try', label: 'Try' },
]

/** The dialog; mount it while it is open, so that none of its state outlives it. */
export function ConnectDialog({
  accounts,
  onClose,
  onSignedIn,
}: {
  accounts: readonly Account[]
  onClose(): void
  /** Called when the sign-in was completed on another device. */
  onSignedIn(signInId: string): void
}) {
  const wizard = useConnectWizard()
  const form = useRef<HTMLFormElement>(null)
  const formId = useId()
  useFieldFocus(form, wizard.attempt)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (wizard.step === 'address') wizard.toServers()
    if (wizard.step === 'servers') wizard.toTry()
  }
  const { step, draft, chosen, way, connecting } = wizard
  // After a failure, only the failure matters.
  const shown = step === 'servers' && connecting.error ? undefined : wizard.look
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title="Connect a mailbox"
      size="lg"
      keepsInput={!connecting.isSuccess}
      footer={<WizardButtons wizard={wizard} formId={formId} onClose={onClose} />}
    >
      <div className="grid gap-4">
        <StepList now={step} isDone={connecting.isSuccess} />
        {step === 'try' ? (
          <TryStep wizard={wizard} accounts={accounts} />
        ) : (
          <form ref={form} id={formId} noValidate autoComplete="off" onSubmit={submit} className="grid gap-4">
            {step === 'address' && <AddressStep wizard={wizard} />}
            {shown && <DiscoveryNote look={shown} chosen={chosen} isGood={way?.kind === 'ready'} />}
            {way && (
              <SignInOffer key={draft.email} way={way} hasPassword={wizard.password !== 'none'} onDone={onSignedIn} />
            )}
            {shown?.discovery && !shown.error && (
              <DiscoverySteps
                key={`${shown.discovery.id} ${step}`}
                discovery={shown.discovery}
                isCompact={step === 'servers'}
              />
            )}
            {step === 'servers' && <ServersStep wizard={wizard} />}
          </form>
        )}
      </div>
    </Dialog>
  )
}

function StepList({ now, isDone }: { now: WizardStep; isDone: boolean }) {
  const index = isDone ? steps.length : steps.findIndex(({ step }) => step === now)
  return (
    <ol aria-label="Steps" className="flex gap-2 text-xs">
      {steps.map(({ step, label }, place) => (
        <li
          key={step}
          aria-current={place === index ? 'step' : undefined}
          className={classNames(
            'flex-1 border-t-2 pt-1.5',
            place < index && 'border-accent text-soft',
            place === index && 'border-accent font-semibold text-accent',
            place > index && 'border-line text-muted',
          )}
        >
          {place + 1}. {label}
        </li>
      ))}
    </ol>
  )
}

function WizardButtons({ wizard, formId, onClose }: { wizard: ConnectWizard; formId: string; onClose(): void }) {
  const { step, connecting, draft, way, password } = wizard
  if (step === 'address') {
    // Only one button is primary: signing in, until a password was entered.
    const isOther = password === 'none' || (way?.kind === 'ready' && draft.imap.password === '')
    return (
      <>
        <Button onClick={onClose}>Cancel</Button>
        <Button variant={isOther ? 'secondary' : 'primary'} type="submit" form={formId}>
          Next
        </Button>
      </>
    )
  }
  if (step === 'servers') {
    return (
      <>
        <Button onClick={wizard.backToAddress}>Back</Button>
        {password !== 'none' && (
          <Button variant="primary" type="submit" form={formId}>
            Test and connect
          </Button>
        )}
      </>
    )
  }
  if (connecting.isPending) return <Button onClick={wizard.stop}>Stop</Button>
  if (connecting.isSuccess) {
    return (
      <>
        <ButtonLink href={`/mail?account=${connecting.data.id}`}>Read its mail</ButtonLink>
        <Button variant="primary" onClick={onClose}>
          Done
        </Button>
      </>
    )
  }
  return (
    <>
      {connecting.error && troubleOf(connecting.error) && (
        <Button variant="quiet" className="sm:mr-auto" onClick={() => wizard.connect(false)}>
          Connect without testing
        </Button>
      )}
      <Button onClick={() => wizard.connect(true)}>Try again</Button>
      <Button variant="primary" onClick={wizard.backToServers}>
        Change the settings
      </Button>
    </>
  )
}
