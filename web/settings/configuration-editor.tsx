/** The configuration form, the preview of its changes, and the button that applies them. */
import { type FormEvent, type ReactNode, useRef } from 'react'
import type { ImapConfiguration } from '../../contract/settings.ts'
import { FailureNote } from '../accounts/trouble-note.tsx'
import { useSession } from '../platform/session.ts'
import { Button } from '../ui/button.tsx'
import { Field, PasswordInput, Switch } from '../ui/field.tsx'
import { ChangePreview } from './change-preview.tsx'
import { isTlsOn, shownText, withTls } from './configuration-draft.ts'
import { type FieldName, limitFields, serverFields } from './configuration-fields.ts'
import { DefaultAccountLine } from './default-account-line.tsx'
import { ForeignChangeNote } from './foreign-change-note.tsx'
import { useConfigurationForm } from './use-configuration.ts'
import { ValueField } from './value-field.tsx'

export function ConfigurationEditor({ config }: { config: ImapConfiguration }) {
  const form = useConfigurationForm(config)
  const element = useRef<HTMLFormElement>(null)
  const mayChange = useSession().principal.scopes.includes('dashboard:admin')
  const { edits, differences, saving, foreign } = form
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (saving.isPending) return
    const faulty = form.apply()
    if (faulty) element.current?.querySelector<HTMLElement>(`[name="${faulty}"]`)?.focus()
  }
  const valueField = (name: FieldName) => (
    <ValueField
      key={name}
      name={name}
      value={shownText(config, edits, name)}
      isDisabled={!mayChange}
      error={form.faultOf(name)}
      onChange={value => form.edit({ [name]: value })}
    />
  )
  const tls = serverFields.find(({ name }) => name === 'use_ssl')!
  return (
    <form ref={element} noValidate autoComplete="off" onSubmit={submit}>
      <Section title="Server of the default account" description={<DefaultAccountLine />}>
        {serverFields.filter(field => field !== tls).map(({ name }) => valueField(name))}
        {form.movesServer && (
          <div className="sm:col-span-2">
            <Field
              label="Password of the mailbox"
              hint="Required for a different server: the stored password is only sent to the server it was entered for."
              error={form.passwordFault}
            >
              <PasswordInput
                name="password"
                value={form.password}
                autoComplete="new-password"
                onChange={event => form.setPassword(event.target.value)}
              />
            </Field>
          </div>
        )}
        <div className="sm:col-span-2">
          <Switch
            label={tls.label}
            hint={tls.hint}
            isOn={isTlsOn(config, edits)}
            disabled={!mayChange}
            onChange={isOn => form.edit(withTls(config, edits, isOn))}
          />
        </div>
      </Section>
      <Section title="Limits" description="For all accounts.">
        {limitFields.map(({ name }) => valueField(name))}
      </Section>
      {foreign.length > 0 && <ForeignChangeNote changes={foreign} onUnderstood={form.acknowledge} />}
      {mayChange ? (
        <div className="grid gap-4 p-4">
          <ChangePreview differences={differences} />
          {saving.error && (
            <FailureNote error={saving.error} onAllowed={{ label: 'apply', act: () => void form.apply() }} />
          )}
          <ApplyLine form={form} />
        </div>
      ) : (
        <p className="p-4 text-sm text-muted">Only an administrator can change the configuration.</p>
      )}
    </form>
  )
}

function ApplyLine({ form }: { form: ReturnType<typeof useConfigurationForm> }) {
  const { differences, saving, verify, needsTrial } = form
  const hasChanges = differences.length > 0
  const isTrying = saving.isPending && needsTrial && verify
  return (
    <div className="flex flex-wrap items-center justify-between gap-4">
      <Switch
        label="Test the server first"
        hint={
          needsTrial || !hasChanges
            ? 'Saves the change only if the login succeeds.'
            : 'Only limits change, so there is no server to test.'
        }
        isOn={verify}
        disabled={hasChanges && !needsTrial}
        onChange={form.setVerify}
      />
      <div className="flex flex-wrap gap-2">
        <Button disabled={!hasChanges || saving.isPending} onClick={form.discard}>
          Discard
        </Button>
        <Button variant="primary" type="submit" disabled={!hasChanges} isBusy={saving.isPending}>
          {isTrying ? 'Testing the server' : 'Apply'}
        </Button>
      </div>
    </div>
  )
}

function Section({ title, description, children }: { title: string; description: ReactNode; children: ReactNode }) {
  return (
    <section className="grid gap-4 border-b p-4 lg:grid-cols-3">
      <div className="grid content-start gap-1">
        <h2 className="text-base font-semibold">{title}</h2>
        <div className="text-sm text-soft">{description}</div>
      </div>
      <div className="grid min-w-0 gap-4 sm:grid-cols-2 lg:col-span-2">{children}</div>
    </section>
  )
}
