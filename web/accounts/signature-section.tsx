/** How an account signs what is sent from it: its signature, the name beside its address, and its other addresses. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { Account } from '../../contract/accounts.ts'
import { draftBounds, type Signature, type SignatureInput } from '../../contract/draft.ts'
import { draftsApi } from '../../contract/drafts.ts'
import { mailBounds } from '../../contract/mail-bounds.ts'
import { ApiProblem, call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useMay } from '../platform/session.ts'
import { Button } from '../ui/button.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { Field, Input, Textarea } from '../ui/field.tsx'
import { Panel } from '../ui/panel.tsx'
import { useToast } from '../ui/toast.tsx'

export function SignatureSection({ account: { id } }: { account: Account }) {
  const maySign = useMay('mail:draft')
  const query = useQuery({
    queryKey: queryKeys.signature(id),
    queryFn: ({ signal }) => call(draftsApi.getSignature, { params: { account_id: id }, signal }),
    enabled: maySign,
  })
  if (!maySign) return null
  return (
    <Panel title="Signature" query={query} isFlush={false}>
      {signature => <SignatureForm key={signature.updated_at ?? ''} accountId={id} signature={signature} />}
    </Panel>
  )
}

function SignatureForm({ accountId, signature }: { accountId: string; signature: Signature }) {
  const queries = useQueryClient()
  const toast = useToast()
  const [form, setForm] = useState(() => formOf(signature))
  const { mutate, isPending, error } = useMutation({
    mutationFn: (body: SignatureInput) => call(draftsApi.setSignature, { params: { account_id: accountId }, body }),
    onSuccess: saved => {
      toast({ tone: 'good', title: 'Signature saved' })
      queries.setQueryData(queryKeys.signature(accountId), saved)
    },
  })
  const aliases = form.aliases.split(/[\s,;]+/).filter(Boolean)
  const wrong = error instanceof ApiProblem ? aliases.find((_, at) => error.faultOf(`body.aliases.${at}`)) : undefined
  const hasChanged = JSON.stringify(form) !== JSON.stringify(formOf(signature))
  return (
    <form
      noValidate
      className="grid max-w-xl gap-4"
      onSubmit={event => {
        event.preventDefault()
        const { content, name } = form
        if (!isPending) mutate({ format: signature.format, content, from_name: name.trim() || null, aliases })
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
        hint="One a line. A reply to all leaves them out."
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
      {error && wrong === undefined && <ErrorNote error={error} />}
      <div>
        <Button type="submit" isBusy={isPending} disabled={!hasChanged}>
          Save the signature
        </Button>
      </div>
    </form>
  )
}

function formOf({ content, from_name: name, aliases }: Signature) {
  return { content, name: name ?? '', aliases: aliases.join('\n') }
}
