/** Sets up an authenticator: current password, QR code, a first code, and recovery codes. */
import { useId } from 'react'
import type { Profile } from '../../contract/profile.ts'
import { CodeInput } from '../access/code-input.tsx'
import { checkAll, checks, plainCode } from '../access/form-checks.ts'
import { ApiProblem } from '../platform/api-client.ts'
import { Button } from '../ui/button.tsx'
import { CopyButton } from '../ui/copy-button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Field } from '../ui/field.tsx'
import { ShownOnceDialog } from '../ui/shown-once-dialog.tsx'
import { useForm } from '../ui/use-form.ts'
import { useWaitSeconds, WaitNote } from '../ui/wait-note.tsx'
import { ProofDialog } from './proof-dialog.tsx'
import { RecoveryCodes } from './recovery-codes.tsx'
import { useBeginTotp, useConfirmTotp, useProfileChanged } from './use-profile.ts'

const title = 'Set up an authenticator'

/** The dialog; mount it while it is open. */
export function TotpDialog({ profile, onClose }: { profile: Profile; onClose(): void }) {
  const beginning = useBeginTotp()
  const confirming = useConfirmTotp()
  const changed = useProfileChanged()
  const finish = () => {
    onClose()
    // A failed reload shows in the panel.
    void changed()
  }
  if (confirming.data) {
    return (
      <ShownOnceDialog title="The authenticator is on" size="sm" doneLabel="I have saved them" onClose={finish}>
        <RecoveryCodes codes={confirming.data.recovery_codes} />
      </ShownOnceDialog>
    )
  }
  if (beginning.data) {
    const beginAgain = () => {
      beginning.reset()
      confirming.reset()
    }
    return <ConfirmStep begun={beginning.data} confirming={confirming} onBeginAgain={beginAgain} onClose={onClose} />
  }
  return (
    <ProofDialog
      profile={profile}
      title={title}
      confirmLabel="Next"
      doing={beginning}
      onConfirm={proof => beginning.mutate(proof)}
      onClose={onClose}
    >
      <p>
        You need an app such as Aegis, Google Authenticator or a password manager. From then on, you need its code after
        your password.
      </p>
    </ProofDialog>
  )
}

const check = checkAll({ code: checks.code })

function ConfirmStep({
  begun: { secret, uri, qr_svg: picture },
  confirming: { mutate, error, isPending },
  onBeginAgain,
  onClose,
}: {
  begun: { secret: string; uri: string; qr_svg: string }
  confirming: ReturnType<typeof useConfirmTotp>
  onBeginAgain(): void
  onClose(): void
}) {
  const id = useId()
  const { form, bind, faultOf, note } = useForm({
    initial: { code: '' },
    check,
    error,
    fieldOf: { code_wrong: 'code' },
    onSubmit: ({ code }) => mutate(plainCode(code)),
  })
  const mayTry = useWaitSeconds(error) === 0
  const isOver = error instanceof ApiProblem && error.code === 'challenge_invalid'
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={title}
      size="md"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          {isOver ? (
            <Button variant="primary" onClick={onBeginAgain}>
              Begin again
            </Button>
          ) : (
            <Button variant="primary" type="submit" form={id} isBusy={isPending} disabled={!mayTry}>
              Confirm
            </Button>
          )}
        </>
      }
    >
      <form {...form} id={id} className="grid gap-4 sm:grid-cols-[auto_1fr]">
        <img
          src={`data:image/svg+xml,${encodeURIComponent(picture)}`}
          alt="QR code for the authenticator; the same key is shown beside it as text"
          className="size-48 justify-self-center rounded-md bg-on-fill p-2"
        />
        <div className="grid min-w-0 content-start gap-4">
          <div className="grid gap-1 text-sm">
            <p>Scan the code with the app, or enter this key:</p>
            <p className="flex items-center gap-1">
              <code className="min-w-0 rounded-sm bg-sunken px-1.5 py-1 font-mono">{inFours(secret)}</code>
              <CopyButton text={secret} label="Copy the key" />
            </p>
            <p className="text-xs text-muted">
              On this device:{' '}
              <a href={uri} className="text-accent underline">
                open it in the app
              </a>
              .
            </p>
          </div>
          {note && <WaitNote error={note} />}
          <Field label="Code" hint="The 6 digits that the app shows now." error={faultOf('code')}>
            <CodeInput {...bind('code')} />
          </Field>
        </div>
      </form>
    </Dialog>
  )
}

/** Splits the key into groups of four, which are easier to type. */
function inFours(secret: string): string {
  return secret.replaceAll(/.{4}(?=.)/g, '$& ')
}
