/** The second step: an authenticator code, or a recovery code. */
import { ShieldCheck } from 'lucide-react'
import { useState } from 'react'
import { ApiProblem } from '../platform/api-client.ts'
import { Button } from '../ui/button.tsx'
import { Field, Input } from '../ui/field.tsx'
import { useForm } from '../ui/use-form.ts'
import { useWaitSeconds, WaitNote } from '../ui/wait-note.tsx'
import { CodeInput } from './code-input.tsx'
import { checkAll, checks, plainCode } from './form-checks.ts'
import type { usePasswordSignIn } from './use-sign-in.ts'

type Kind = 'authenticator' | 'recovery'

interface StepProps {
  challenge: string
  sending: ReturnType<typeof usePasswordSignIn>['secondFactor']
  onStartAnew(): void
}

export function SecondFactorStep(props: StepProps) {
  const [kind, setKind] = useState<Kind>('authenticator')
  const { sending, onStartAnew } = props
  const other = kind === 'authenticator' ? 'recovery' : 'authenticator'
  const change = () => {
    sending.reset()
    setKind(other)
  }
  return (
    <>
      <CodeForm key={kind} kind={kind} {...props} />
      <div className="flex flex-wrap justify-between gap-2">
        <Button variant="quiet" size="sm" onClick={change}>
          {other === 'recovery' ? 'Use a recovery code' : 'Use the authenticator'}
        </Button>
        <Button variant="quiet" size="sm" onClick={onStartAnew}>
          Start again
        </Button>
      </div>
    </>
  )
}

const codeChecks = {
  authenticator: checkAll({ code: checks.code }),
  recovery: checkAll({ code: checks.recoveryCode }),
}

const wrong: Record<Kind, { title: string; detail: string }> = {
  authenticator: {
    title: 'Wrong code',
    detail:
      'Each code works once, for 30 seconds. Wait for the next one. If none works, check the clock of your phone.',
  },
  recovery: { title: 'Wrong recovery code', detail: 'Each code works once. Use another one from your list.' },
}

function CodeForm({ challenge, sending, kind }: StepProps & { kind: Kind }) {
  const { error, isPending, mutate } = sending
  const { form, bind, faultOf, note } = useForm({
    initial: { code: '' },
    check: codeChecks[kind],
    error,
    again: 'code',
    onSubmit: ({ code }) => mutate({ challenge, code: kind === 'recovery' ? code.trim() : plainCode(code) }),
  })
  const mayTry = useWaitSeconds(error) === 0
  const isWrong = note instanceof ApiProblem && note.code === 'sign_in_failed'
  return (
    <form {...form} method="post" className="grid gap-4">
      {note && <WaitNote error={note} words={isWrong ? wrong[kind] : undefined} />}
      {kind === 'authenticator' ? (
        <Field label="Code" hint="The 6 digits that your authenticator shows for RustyMail." error={faultOf('code')}>
          <CodeInput {...bind('code')} />
        </Field>
      ) : (
        <Field label="Recovery code" hint="One of the codes that you saved when you set it up." error={faultOf('code')}>
          <Input
            {...bind('code')}
            className="font-mono"
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            maxLength={30}
          />
        </Field>
      )}
      <Button variant="primary" type="submit" icon={ShieldCheck} isBusy={isPending} disabled={!mayTry}>
        Sign in
      </Button>
    </form>
  )
}
