/** Creates a webhook for one of the user's tokens, and shows its secret once. */
import { useSession } from '../platform/session.ts'
import { useTokens } from '../tokens/use-tokens.ts'
import { Button, ButtonLink } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { Field, Input, NamedOptions, Select } from '../ui/field.tsx'
import { FormDialog } from '../ui/form-dialog.tsx'
import { SigningSecretDialog } from '../ui/shown-once-dialog.tsx'
import { useForm } from '../ui/use-form.ts'
import { OrderField, orderOf } from './order-dialog.tsx'
import { useCreateWebhook } from './use-webhooks.ts'
import { checkWebhook, typesIn, type WebhookField } from './webhook-draft.ts'

export function CreateWebhookDialog({ onClose }: { onClose(): void }) {
  const { mutate, data, error, isPending } = useCreateWebhook()
  const tokens = useTokens()
  const { principal } = useSession()
  const own = tokens.data?.items.filter(token => token.user_id === principal.user_id)
  const { form, bind, faultOf, note } = useForm<WebhookField>({
    initial: { name: '', url: 'https://', token_id: '', types: '', query: '', order: 'endpoint' },
    check: checkWebhook,
    error,
    fieldOf: { token_not_found: 'token_id' },
    onSubmit: ({ name, url, token_id, types, query, order }) => {
      if (isPending) return
      mutate({
        name: name.trim(),
        url: url.trim(),
        token_id: token_id || own?.[0]?.id || '',
        types: typesIn(types),
        accounts: [],
        query: query.trim() || null,
        order: orderOf(order),
      })
    },
  })
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
  const token = bind('token_id')
  return (
    <FormDialog
      onClose={onClose}
      title="Create a webhook"
      submitLabel="Create"
      isBusy={isPending}
      {...form}
      autoComplete="off"
    >
      <Field label="Name" error={faultOf('name')}>
        <Input data-first-focus maxLength={100} {...bind('name')} />
      </Field>
      <Field
        label="URL"
        hint="HTTPS; must respond with a status of 200 to 299 within ten seconds."
        error={faultOf('url')}
      >
        <Input inputMode="url" autoCapitalize="none" spellCheck={false} maxLength={2_000} {...bind('url')} />
      </Field>
      <Field
        label="Token"
        hint="The webhook gets the events that this token may read, and ends when it is revoked."
        error={faultOf('token_id')}
      >
        <Select {...token} value={token.value || own?.[0]?.id}>
          <NamedOptions items={own ?? []} />
        </Select>
      </Field>
      <Field
        label="Events"
        isOptional
        hint="Types such as mail_received, separated by commas. Empty for all."
        error={faultOf('types')}
      >
        <Input autoCapitalize="none" spellCheck={false} {...bind('types')} />
      </Field>
      <Field
        label="Condition for mail"
        isOptional
        hint="As in a search: from:billing@example.com has:attachment"
        error={faultOf('query')}
      >
        <Input {...bind('query')} />
      </Field>
      <OrderField {...bind('order')} />
      {note && <ErrorNote error={note} />}
    </FormDialog>
  )
}

/** Shown if there is no token, whose rights a webhook needs. */
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
        A webhook belongs to one of your tokens, whose scopes and accounts decide which events it gets. You have no
        token yet: create one first.
      </p>
    </Dialog>
  )
}
