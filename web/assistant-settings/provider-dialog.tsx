/** Adds or edits a provider: kind, address, key and model, tested before it is saved. */
import { ListChecks, PlugZap } from 'lucide-react'
import { useEffect, useId, useRef, useState } from 'react'
import type { AssistantProvider, MailShare, ProviderKind } from '../../contract/model-provider.ts'
import { AllowNetworks } from '../accounts/allow-networks.tsx'
import { ApiProblem } from '../platform/api-client.ts'
import { Button } from '../ui/button.tsx'
import { Checkbox, Radios } from '../ui/choice.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { Field, Input, PasswordInput, Select } from '../ui/field.tsx'
import { FormDialog } from '../ui/form-dialog.tsx'
import { kinds, shareWords, wordsOf } from './provider-kinds.ts'
import { TrialSteps } from './trial-steps.tsx'
import {
  type ProviderWish,
  useDeleteProvider,
  useListModels,
  useSaveProvider,
  useTryProvider,
} from './use-assistant-settings.ts'

const empty = {
  ...{ name: '', baseUrl: '', key: '', model: '', contextTokens: '32000', priceInput: '', priceOutput: '' },
  ...{ kind: 'openai' as ProviderKind, isLocal: false, isEnabled: true, mail: 'none' as MailShare },
}
type Form = typeof empty

export function ProviderDialog({
  provider,
  onClose,
}: {
  /** Undefined for a new provider. */
  provider: AssistantProvider | undefined
  onClose(): void
}) {
  const listId = useId()
  const [form, setForm] = useState<Form>(() => (provider ? formOf(provider) : empty))
  const save = useSaveProvider(provider?.id)
  const trial = useTryProvider(provider?.id)
  const models = useListModels(provider?.id)
  const words = wordsOf(form.kind)
  const isFixed = provider?.source === 'environment'
  const faultOf = (name: string) => {
    for (const [error, at] of [
      [save.error, 'body'],
      [trial.error, 'body.provider'],
      [models.error, 'body.provider'],
    ] as const) {
      const fault =
        error instanceof ApiProblem ? (error.faultOf(`${at}.${name}`) ?? error.faultOf(`body.${name}`)) : undefined
      if (fault !== undefined) return fault
    }
    return undefined
  }
  const text = (field: 'name' | 'baseUrl' | 'key' | 'model' | 'contextTokens' | 'priceInput' | 'priceOutput') => ({
    value: form[field],
    onChange: (event: { target: { value: string } }) => setForm({ ...form, [field]: event.target.value }),
    autoComplete: 'off',
    autoCapitalize: 'none',
    spellCheck: false,
  })
  const forget = () => {
    save.reset()
    trial.reset()
    models.reset()
  }
  const submit = () => {
    forget()
    if (!save.isPending) save.mutate(wishOf(form, provider), { onSuccess: onClose })
  }
  const error = save.error ?? trial.error ?? models.error
  const outcome = useRef<HTMLDivElement>(null)
  const shown = trial.data ?? error ?? trial.isPending
  // Scrolls to the result of the test, which a small window may not show; an invalid field takes precedence.
  useEffect(() => {
    if (!shown) return
    outcome.current?.scrollIntoView({ block: 'nearest' })
    outcome.current?.closest('form')?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }, [shown])
  const networks = trial.data?.networks ?? (error instanceof ApiProblem ? error.body.networks : undefined) ?? []
  const again = () => {
    const which = models.error ? models : trial
    forget()
    which.mutate(wishOf(form, provider))
  }
  return (
    <FormDialog
      onClose={onClose}
      title={provider ? `Edit ${provider.name}` : 'Add a provider'}
      size="lg"
      submitLabel="Save"
      isBusy={save.isPending}
      moreButtons={
        <Button
          icon={PlugZap}
          isBusy={trial.isPending}
          onClick={() => {
            forget()
            trial.mutate(wishOf(form, provider))
          }}
        >
          Test
        </Button>
      }
      noValidate
      autoComplete="off"
      onSubmit={submit}
    >
      {isFixed && (
        <p className="text-sm text-soft">
          The environment sets this provider: change its address, key and model there, and the settings below here.
        </p>
      )}
      {!isFixed && (
        <div className="grid gap-3 sm:grid-cols-2">
          <Field label="Kind" error={faultOf('kind')}>
            <Select
              data-first-focus
              value={form.kind}
              disabled={provider !== undefined}
              onChange={({ target }) => {
                const kind = target.value as ProviderKind
                const isLocal = kind === 'ollama'
                setForm({ ...form, kind, model: '', isLocal, mail: isLocal ? 'text' : 'none' })
                forget()
              }}
            >
              {kinds.map(({ kind, label }) => (
                <option key={kind} value={kind}>
                  {label}
                </option>
              ))}
            </Select>
          </Field>
          <Field label="Name" hint="Shown with its answers." error={faultOf('name')}>
            <Input {...text('name')} placeholder={words.label} maxLength={60} />
          </Field>
          <Field label="Base URL" isOptional={words.usualUrl !== ''} hint={words.urlHint} error={faultOf('base_url')}>
            <Input {...text('baseUrl')} inputMode="url" placeholder={words.usualUrl} maxLength={500} />
          </Field>
          <Field
            label="API key"
            isOptional={!words.needsKey}
            hint={provider?.has_key ? 'Stored encrypted. Leave empty to keep it.' : words.keyHint}
            error={faultOf('api_key')}
          >
            <PasswordInput {...text('key')} autoComplete="new-password" maxLength={1_000} />
          </Field>
          {words.hasModel && (
            <div className="grid gap-2">
              <Field label="Model" error={faultOf('model')}>
                <Input {...text('model')} list={listId} placeholder={words.modelPlaceholder} maxLength={200} />
              </Field>
              <datalist id={listId}>
                {models.data?.items.map(({ id }) => (
                  <option key={id} value={id} />
                ))}
              </datalist>
              {form.kind !== 'azure' && (
                <div className="flex flex-wrap items-center gap-2">
                  <Button
                    size="sm"
                    icon={ListChecks}
                    isBusy={models.isPending}
                    onClick={() => {
                      forget()
                      models.mutate(wishOf(form, provider))
                    }}
                  >
                    List models
                  </Button>
                  <span role="status" className="text-xs text-muted">
                    {models.data && `${models.data.items.length} to choose from in the field above.`}
                  </span>
                </div>
              )}
            </div>
          )}
        </div>
      )}
      <div className="grid gap-3 sm:grid-cols-3">
        <Field label="Context (tokens)" hint="How much the model can read at once." error={faultOf('context_tokens')}>
          <Input {...text('contextTokens')} inputMode="numeric" />
        </Field>
        <Field label="Price of input" isOptional hint="US dollars per million tokens." error={faultOf('price_input')}>
          <Input {...text('priceInput')} inputMode="decimal" />
        </Field>
        <Field label="Price of output" isOptional hint="US dollars per million tokens." error={faultOf('price_output')}>
          <Input {...text('priceOutput')} inputMode="decimal" />
        </Field>
      </div>
      <Radios
        legend="What it may be sent"
        value={form.mail}
        choices={[
          { value: 'none', label: shareWords.none, hint: 'It learns that there is mail, but nothing about it.' },
          { value: 'headers', label: shareWords.headers, hint: 'Also recipients and flags; no text.' },
          { value: 'text', label: shareWords.text, hint: 'Also the text of messages and attachments.' },
        ]}
        onChange={mail => setForm({ ...form, mail })}
      />
      <Checkbox
        label="Local"
        hint="What it is sent stays on this machine or in your own network."
        isChecked={form.isLocal}
        onChange={isLocal => setForm({ ...form, isLocal })}
      />
      <Checkbox
        label="Use this provider"
        isChecked={form.isEnabled}
        onChange={isEnabled => setForm({ ...form, isEnabled })}
      />
      <div ref={outcome} className="grid gap-4">
        <TrialSteps trial={trial.data} isPending={trial.isPending} />
        {error && <ErrorNote error={error} />}
        <AllowNetworks networks={networks} servers="models" onAllowed={{ label: 'try again', act: again }} />
      </div>
    </FormDialog>
  )
}
export function DeleteProviderDialog({ provider, onClose }: { provider: AssistantProvider; onClose(): void }) {
  const { mutate, isPending, error } = useDeleteProvider(provider)
  return (
    <ConfirmDialog
      isOpen
      title={`Remove ${provider.name}?`}
      confirmLabel="Remove"
      isBusy={isPending}
      error={error}
      onConfirm={() => mutate(undefined, { onSuccess: onClose })}
      onClose={onClose}
    >
      <p>Its key is deleted, too. Conversations keep its answers.</p>
    </ConfirmDialog>
  )
}

function formOf(provider: AssistantProvider): Form {
  const { kind, name, base_url, model, context_tokens, price_input, price_output, is_local, enabled, mail } = provider
  return {
    ...{ kind, name, baseUrl: base_url ?? '', key: '', model: model ?? '', contextTokens: String(context_tokens) },
    ...{ priceInput: price_input === null ? '' : String(price_input), isLocal: is_local, isEnabled: enabled, mail },
    priceOutput: price_output === null ? '' : String(price_output),
  }
}

function wishOf(form: Form, provider: AssistantProvider | undefined): ProviderWish {
  const own = provider?.source === 'environment' ? provider : undefined
  return {
    kind: form.kind,
    name: own?.name ?? (form.name.trim() || wordsOf(form.kind).label),
    enabled: form.isEnabled,
    base_url: own ? own.base_url : form.baseUrl.trim() || null,
    ...(form.key.trim() === '' ? {} : { api_key: form.key.trim() }),
    model: own ? own.model : form.model.trim() || null,
    is_local: form.isLocal,
    context_tokens: Number(form.contextTokens),
    price_input: priceOf(form.priceInput),
    price_output: priceOf(form.priceOutput),
    mail: form.mail,
  }
}

function priceOf(text: string): number | null {
  return text.trim() === '' ? null : Number(text.trim().replace(',', '.'))
}
