/** Sets the OAuth client of a provider, with the steps that create it there. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../../contract/index.ts'
import type { OAuthProvider, OAuthProviderInput } from '../../contract/mail-oauth.ts'
import { ApiProblem, call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { CopyField } from '../ui/copy-lines.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { Field, Input, PasswordInput } from '../ui/field.tsx'
import { FormDialog } from '../ui/form-dialog.tsx'
import { oauthSteps } from './oauth-steps.ts'

const emptyForm = {
  ...{ id: '', name: '', metadataUrl: '', imapHosts: '', smtpHosts: '', domains: '', read: '', send: '' },
  ...{ clientId: '', clientSecret: '', tenant: 'common' },
}
type Form = typeof emptyForm

export function OAuthClientDialog({
  provider,
  known,
  onClose,
}: {
  /** Undefined for a provider that is being added. */
  provider: OAuthProvider | undefined
  known: readonly OAuthProvider[]
  onClose(): void
}) {
  const queries = useQueryClient()
  const [form, setForm] = useState<Form>(() => (provider ? formOf(provider) : emptyForm))
  const isCustom = !provider || provider.kind === 'custom'
  const { mutate, isPending, error } = useMutation({
    mutationFn: () =>
      call(api.mailOAuth.setOAuthProvider, { params: { provider_id: form.id.trim() }, body: inputOf(form, provider) }),
    // The request may contain a secret, so it is not cached.
    gcTime: 0,
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: queryKeys.oauthProviders })
      onClose()
    },
  })
  const faultOf = (path: string) => (error instanceof ApiProblem ? error.faultOf(path) : undefined)
  const text = (field: keyof Form) => ({
    value: form[field],
    onChange: (event: { target: { value: string } }) => setForm({ ...form, [field]: event.target.value }),
    autoComplete: 'off',
    autoCapitalize: 'none',
    spellCheck: false,
  })
  const submit = () => {
    if (!isPending) mutate()
  }
  return (
    <FormDialog
      onClose={onClose}
      title={provider ? `Client at ${provider.name}` : 'Add a provider'}
      size="lg"
      submitLabel="Save"
      isBusy={isPending}
      noValidate
      autoComplete="off"
      onSubmit={submit}
    >
      <Steps kind={provider?.kind ?? 'custom'} />
      <CopyField
        label="Redirect URI"
        hint="The provider sends browsers back to it, and to nothing else. It must be https, except on this machine."
        text={(provider ?? known[0])?.redirect_uri ?? ''}
      />
      {isCustom && (
        <div className="grid gap-3 sm:grid-cols-2">
          {!provider && (
            <Field label="Id" hint="Lower-case letters, digits and hyphens." error={faultOf('params.provider_id')}>
              <Input {...text('id')} placeholder="example" maxLength={40} />
            </Field>
          )}
          <Field label="Name" hint="Shown on the button." error={faultOf('body.custom.name')}>
            <Input {...text('name')} placeholder="Example Mail" maxLength={60} />
          </Field>
          <Field
            label="Metadata URL"
            hint="Its issuer, or the address below /.well-known/."
            error={faultOf('body.custom.metadata_url')}
          >
            <Input {...text('metadataUrl')} placeholder="https://login.example.org" maxLength={500} />
          </Field>
          <Field
            label="IMAP servers"
            hint="Tokens are sent to no other server. Separate several by spaces; *.example.org for all subdomains."
            error={faultOf('body.custom.imap_hosts') ?? faultOf('body.custom.imap_hosts.0')}
          >
            <Input {...text('imapHosts')} placeholder="imap.example.org" />
          </Field>
          <Field label="SMTP servers" error={faultOf('body.custom.smtp_hosts') ?? faultOf('body.custom.smtp_hosts.0')}>
            <Input {...text('smtpHosts')} placeholder="smtp.example.org" />
          </Field>
          <Field label="Domains of addresses" isOptional error={faultOf('body.custom.domains.0')}>
            <Input {...text('domains')} placeholder="example.org" />
          </Field>
          <Field label="Scopes for reading" error={faultOf('body.custom.scopes.read')}>
            <Input {...text('read')} placeholder="mail.read offline_access" />
          </Field>
          <Field label="Scopes for reading and sending" error={faultOf('body.custom.scopes.send')}>
            <Input {...text('send')} placeholder="mail.read mail.send offline_access" />
          </Field>
        </div>
      )}
      <div className="grid gap-3 sm:grid-cols-2">
        <Field label="Client id" error={faultOf('body.client_id')}>
          <Input {...text('clientId')} maxLength={500} />
        </Field>
        <Field
          label="Client secret"
          hint={
            provider?.client?.has_secret
              ? 'Leave empty to keep it, unless the client id changes.'
              : 'Stored encrypted and never shown again. Empty for a public client.'
          }
          isOptional
          error={faultOf('body.client_secret')}
        >
          <PasswordInput {...text('clientSecret')} autoComplete="new-password" maxLength={1024} />
        </Field>
        {provider?.kind === 'microsoft' && (
          <Field
            label="Tenant"
            hint="common: all accounts; consumers: Outlook.com; organizations: work and school; or the id of your tenant."
            error={faultOf('body.tenant')}
          >
            <Input {...text('tenant')} maxLength={100} />
          </Field>
        )}
      </div>
      {error && <ErrorNote error={error} />}
    </FormDialog>
  )
}

function Steps({ kind }: { kind: OAuthProvider['kind'] }) {
  return (
    <details className="rounded-md border px-3 py-2 text-sm">
      <summary className="cursor-pointer font-medium">How to create a client</summary>
      <ol className="mt-2 grid list-decimal gap-1.5 pl-5 text-soft">
        {oauthSteps[kind].map(step => (
          <li key={step}>{step}</li>
        ))}
      </ol>
    </details>
  )
}

function formOf({
  id,
  name,
  metadata_url,
  imap_hosts,
  smtp_hosts,
  domains,
  scopes,
  client,
  tenant,
}: OAuthProvider): Form {
  return {
    ...{ id, name, metadataUrl: metadata_url ?? '', imapHosts: imap_hosts.join(' '), smtpHosts: smtp_hosts.join(' ') },
    ...{ domains: domains.join(' '), read: scopes.read.join(' '), send: scopes.send.join(' ') },
    ...{ clientId: client?.client_id ?? '', clientSecret: '', tenant: tenant ?? 'common' },
  }
}

function inputOf(form: Form, provider: OAuthProvider | undefined): OAuthProviderInput {
  const secret = form.clientSecret === '' ? {} : { client_secret: form.clientSecret }
  const client = { client_id: form.clientId.trim(), ...secret }
  if (provider?.kind === 'google') return client
  if (provider?.kind === 'microsoft') return { ...client, tenant: form.tenant.trim() || 'common' }
  return {
    ...client,
    custom: {
      name: form.name.trim(),
      metadata_url: form.metadataUrl.trim(),
      imap_hosts: wordsOf(form.imapHosts),
      smtp_hosts: wordsOf(form.smtpHosts),
      domains: wordsOf(form.domains),
      scopes: { read: wordsOf(form.read), send: wordsOf(form.send) },
    },
  }
}

function wordsOf(text: string): string[] {
  return text.split(/[\s,;]+/).filter(Boolean)
}
