/** How an account sends: its signature, sender names, default sender, and copies of sent mail. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { Account } from '../../contract/accounts.ts'
import { draftBounds, type SentCopyChoice, type Signature, type SignatureInput } from '../../contract/draft.ts'
import { draftsApi } from '../../contract/drafts.ts'
import { api } from '../../contract/index.ts'
import { mailBounds } from '../../contract/mail-bounds.ts'
import { ApiProblem, call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useMay } from '../platform/session.ts'
import { Button } from '../ui/button.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { Field, Input, Select, Textarea } from '../ui/field.tsx'
import { Panel } from '../ui/panel.tsx'
import { useToast } from '../ui/toast.tsx'

export function SignatureSection({ account }: { account: Account }) {
  const { id } = account
  const maySign = useMay('mail:draft')
  const query = useQuery({
    queryKey: queryKeys.signature(id),
    queryFn: ({ signal }) => call(draftsApi.getSignature, { params: { account_id: id }, signal }),
    enabled: maySign,
  })
  if (!maySign) return null
  return (
    <Panel title="Signature and sending" query={query} isFlush={false}>
      {signature => <SignatureForm key={signature.updated_at ?? ''} account={account} signature={signature} />}
    </Panel>
  )
}

function SignatureForm({ account, signature }: { account: Account; signature: Signature }) {
  const { id: accountId, email } = account
  const queries = useQueryClient()
  const toast = useToast()
  const [form, setForm] = useState(() => formOf(signature))
  const { mutate, isPending, error } = useMutation({
    mutationFn: (body: SignatureInput) => call(draftsApi.setSignature, { params: { account_id: accountId }, body }),
    onSuccess: saved => {
      toast({ tone: 'good', title: 'Signature and sending saved' })
      queries.setQueryData(queryKeys.signature(accountId), saved)
    },
  })
  const aliases = form.aliases
    .split(/[\n,;]+/)
    .map(line => line.trim())
    .filter(Boolean)
  const wrong = error instanceof ApiProblem ? aliases.find((_, at) => error.faultOf(`body.aliases.${at}`)) : undefined
  const senders = aliases.map(line => /<([^<>]+)>$/.exec(line)?.[1] ?? line).filter(sender => sender !== email)
  const hasChanged = JSON.stringify(form) !== JSON.stringify(formOf(signature))
  return (
    <form
      noValidate
      className="grid max-w-xl gap-4"
      onSubmit={event => {
        event.preventDefault()
        const { content, name } = form
        const { defaultFrom, sentCopy: sent_copy, sentFolder } = form
        if (isPending) return
        mutate({
          ...{ format: signature.format, content, from_name: name.trim() || null, aliases, sent_copy },
          default_from: defaultFrom === '' || !senders.includes(defaultFrom) ? null : defaultFrom,
          sent_folder: sentFolder || null,
        })
      }}
    >
      <Field
        label="Text"
        hint={`Below each new message, behind “-- ”. ${signature.format === 'markdown' ? 'Markdown. ' : ''}Empty for none. Drafts that have a signature keep theirs.`}
      >
        <Textarea
          rows={4}
          dir="auto"
          value={form.content}
          maxLength={draftBounds.signature}
          onChange={event => setForm({ ...form, content: event.target.value })}
        />
      </Field>
      <Field label="Name in From" hint="Shown to recipients beside the address of the account." isOptional>
        <Input
          value={form.name}
          maxLength={mailBounds.name}
          autoComplete="off"
          onChange={event => setForm({ ...form, name: event.target.value })}
        />
      </Field>
      <Field
        label="Your other addresses"
        hint="One per line, optionally with a name: Sales <sales@example.com>. You can send from them; replies use the address that the message was sent to."
        error={wrong && `${wrong} is not an address.`}
        isOptional
      >
        <Textarea
          rows={2}
          value={form.aliases}
          autoCapitalize="none"
          spellCheck={false}
          onChange={event => setForm({ ...form, aliases: event.target.value })}
        />
      </Field>
      {senders.length > 0 && (
        <Field label="Default sender">
          <Select
            value={senders.includes(form.defaultFrom) ? form.defaultFrom : ''}
            onChange={event => setForm({ ...form, defaultFrom: event.target.value })}
          >
            <option value="">{email}</option>
            {senders.map(sender => (
              <option key={sender} value={sender}>
                {sender}
              </option>
            ))}
          </Select>
        </Field>
      )}
      <SentFields accountId={accountId} form={form} onChange={change => setForm({ ...form, ...change })} />
      {error && wrong === undefined && <ErrorNote error={error} />}
      <div>
        <Button type="submit" isBusy={isPending} disabled={!hasChanged}>
          Save
        </Button>
      </div>
    </form>
  )
}

interface SigningForm {
  content: string
  name: string
  aliases: string
  defaultFrom: string
  sentCopy: SentCopyChoice
  sentFolder: string
}

function formOf(signature: Signature): SigningForm {
  const { content, from_name: name, aliases, default_from, sent_copy: sentCopy, sent_folder } = signature
  const lines = aliases.map(alias => (alias.name ? `${alias.name} <${alias.email}>` : alias.email))
  const sending = { defaultFrom: default_from ?? '', sentCopy, sentFolder: sent_folder ?? '' }
  return { content, name: name ?? '', aliases: lines.join('\n'), ...sending }
}

const copyWords: Record<SentCopyChoice, string> = {
  auto: 'Unless the provider saves it',
  always: 'Always',
  never: 'Never',
}

function SentFields({
  accountId,
  form: { sentCopy, sentFolder },
  onChange,
}: {
  accountId: string
  form: SigningForm
  onChange(change: Partial<SigningForm>): void
}) {
  const mayList = useMay('mail:meta')
  const folders = useQuery({
    enabled: mayList && sentCopy !== 'never',
    queryKey: queryKeys.folders(accountId),
    queryFn: ({ signal }) => call(api.mail.listFolders, { params: { account_id: accountId }, signal }),
  })
  const known = folders.data?.items.filter(({ selectable }) => selectable).map(({ path }) => path) ?? []
  const offered = [...new Set(sentFolder === '' ? known : [sentFolder, ...known])]
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label="Copy of sent mail" hint="Gmail and Outlook save it automatically.">
        <Select value={sentCopy} onChange={event => onChange({ sentCopy: event.target.value as SentCopyChoice })}>
          {(Object.keys(copyWords) as SentCopyChoice[]).map(choice => (
            <option key={choice} value={choice}>
              {copyWords[choice]}
            </option>
          ))}
        </Select>
      </Field>
      {sentCopy !== 'never' && (
        <Field label="Folder">
          <Select value={sentFolder} onChange={event => onChange({ sentFolder: event.target.value })}>
            <option value="">The folder for sent mail</option>
            {offered.map(path => (
              <option key={path} value={path}>
                {path}
              </option>
            ))}
          </Select>
        </Field>
      )}
    </div>
  )
}
