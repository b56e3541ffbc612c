/** A new webhook for one of the user's tokens, and then its secret, shown this once. */
import { useState } from 'react'
import type { FactType } from '../../contract/event.ts'
import { useSession } from '../platform/session.ts'
import { useTokens } from '../tokens/use-tokens.ts'
import { Button, ButtonLink } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { Field, Input, NamedOptions, Select } from '../ui/field.tsx'
import { FormDialog } from '../ui/form-dialog.tsx'
import { SigningSecretDialog } from '../ui/shown-once-dialog.tsx'
import { OrderField, orderOf } from './order-dialog.tsx'
import { useCreateWebhook } from './use-webhooks.ts'

export function CreateWebhookDialog({ onClose }: { onClose(): void }) {
  const { mutate, data, error, isPending } = useCreateWebhook()
  const tokens = useTokens()
  const { principal } = useSession()
  const own = tokens.data?.items.filter(token => token.user_id === principal.user_id)
  const [draft, setDraft] = useState({
    name: '',
    url: 'https://',
    token_id: '',
    types: '',
    query: '',
    order: 'endpoint',
  })
  const set = (field: keyof typeof draft) => (event: { target: { value: string } }) =>
    setDraft({ ...draft, [field]: event.target.value })
  if (data)
    return (
      <SigningSecretDialog
        title="Webhook created"
        label={`Secret of ${data.webhook.name}`}
        secret={data.secret}
        onClose={onClose}
      />
    )
  if (own?.length === 0) return <NoToken onClose={onClose} />
  const submit = () => {
    const types = draft.types.split(/[\s,]+/).filter(type => type !== '') as FactType[]
    const { name, url, query } = draft
    const token_id = draft.token_id || own?.[0]?.id || ''
    mutate({
      name,
      url,
      token_id,
      types,
      accounts: [],
      query: query.trim() === '' ? null : query.trim(),
      order: orderOf(draft.order),
    })
  }
  return (
    <FormDialog onClose={onClose} title="Create a webhook" submitLabel="Create" isBusy={isPending} onSubmit={submit}>
      <Field label="Name">
        <Input data-first-focus required maxLength={100} value={draft.name} onChange={set('name')} />
      </Field>
      <Field label="URL" hint="Over https; it answers with a status of 200 to 299 within ten seconds.">
        <Input
          required
          type="url"
          pattern="https://.+"
          title="An address that begins with https://"
          value={draft.url}
          onChange={set('url')}
        />
      </Field>
      <Field label="Token" hint="The webhook is told what this token may read, and ends when it is revoked.">
        <Select required value={draft.token_id || own?.[0]?.id} onChange={set('token_id')}>
          <NamedOptions items={own ?? []} />
        </Select>
      </Field>
      <Field label="Events" isOptional hint="Types such as mail_received, separated by commas; all when empty.">
        <Input value={draft.types} onChange={set('types')} />
      </Field>
      <Field label="Condition for mail" isOptional hint="As in a search: from:billing@example.com has:attachment">
        <Input value={draft.query} onChange={set('query')} />
      </Field>
      <OrderField value={draft.order} onChange={set('order')} />
      {error && <ErrorNote error={error} />}
    </FormDialog>
  )
}

/** Its rights are those of a token: without one it could not be created. */
function NoToken({ onClose }: { onClose(): void }) {
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title="Create a webhook"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <ButtonLink variant="primary" href="/tokens?create=1">
            Create a token
          </ButtonLink>
        </>
      }
    >
      <p>
        A webhook belongs to one of your tokens, whose scopes and accounts say which events it gets. You have no token
        yet: create one first.
      </p>
    </Dialog>
  )
}
