/** The user's own name. */
import type { Profile } from '../../contract/profile.ts'
import { checkAll, checks } from '../access/form-checks.ts'
import { useSignInState } from '../access/use-sign-in.ts'
import { roleWords } from '../platform/role-words.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Field, Input } from '../ui/field.tsx'
import { useForm } from '../ui/use-form.ts'
import { WaitNote } from '../ui/wait-note.tsx'
import { ProfileSection } from './profile-section.tsx'
import { useChangeName } from './use-profile.ts'

const check = checkAll({ name: checks.name })

/** Use the name as the key: the form starts over when that changes. */
export function NameSection({ profile: { name, email, role, oidc } }: { profile: Profile }) {
  const { mutate, error, isPending } = useChangeName()
  const provider = useSignInState().data?.oidc?.name ?? 'the OpenID Connect provider'
  const { form, bind, faultOf, values, note } = useForm({
    initial: { name },
    check,
    error,
    isFocused: false,
    onSubmit: given => mutate(given.name.trim()),
  })
  const hasChanged = values.name.trim() !== name
  return (
    <ProfileSection title="You" description="The name is shown to other users and in the audit trail.">
      <dl className="grid grid-cols-[auto_1fr] items-baseline gap-x-4 gap-y-1 text-sm">
        <dt className="text-muted">Email</dt>
        <dd>{email}</dd>
        <dt className="text-muted">Role</dt>
        <dd className="flex flex-wrap items-baseline gap-2">
          <Badge tone="info">{roleWords[role].label}</Badge>
          <span className="text-soft">{roleWords[role].may}</span>
        </dd>
        {oidc && (
          <>
            <dt className="text-muted">Provider</dt>
            <dd>You can sign in through {provider}.</dd>
          </>
        )}
      </dl>
      <form {...form} className="grid w-full max-w-md gap-3">
        {note && <WaitNote error={note} />}
        <Field label="Name" error={faultOf('name')}>
          <Input {...bind('name')} autoComplete="name" maxLength={100} />
        </Field>
        <div>
          <Button type="submit" isBusy={isPending} disabled={!hasChanged}>
            Save the name
          </Button>
        </div>
      </form>
    </ProfileSection>
  )
}
