/** The fields of a token: name, scopes, accounts, expiry and allowed addresses. */
import { type Scope, scopeFamilies, separateScopes, unusedScopes } from '../../contract/scope.ts'
import { tokenPresets } from '../../contract/tokens.ts'
import { AccountChecks } from '../accounts/account-checks.tsx'
import { useSession } from '../platform/session.ts'
import { Button } from '../ui/button.tsx'
import { Checkbox, type Choice, Radios } from '../ui/choice.tsx'
import { Field, Input, Select, Textarea } from '../ui/field.tsx'
import { scopeWords } from './scope-words.ts'
import {
  type Expiry,
  levelsOf,
  lifetimes,
  presetNames,
  presetOf,
  scopesOf,
  type TokenDraft,
  type TokenFaults,
} from './token-draft.ts'

const isUnused = (scope: Scope) => unusedScopes.includes(scope)

export function TokenFields({
  draft,
  faults,
  keptExpiry,
  onChange,
}: {
  draft: TokenDraft
  faults: TokenFaults
  /** The current expiry in words, for an existing token. */
  keptExpiry?: string
  onChange(draft: TokenDraft): void
}) {
  return (
    <>
      <Field
        label="Name"
        hint="Name the program that uses it, so that you know what to revoke later."
        error={faults.name}
      >
        <Input
          value={draft.name}
          onChange={event => onChange({ ...draft, name: event.target.value })}
          autoComplete="off"
          maxLength={100}
        />
      </Field>
      <ScopeFields draft={draft} fault={faults.scopes} onChange={onChange} />
      <AccountChecks
        value={draft.accounts}
        hint={accountsHint(draft)}
        error={faults.accounts}
        onChange={chosen => onChange({ ...draft, accounts: chosen === 'all' ? [] : chosen })}
      />
      <div className="grid gap-3 sm:grid-cols-2">
        <Field label="Expires" hint="You can extend it at any time.">
          <Select
            value={draft.expiry}
            // The cast is true because the options are exactly these values.
            onChange={event => onChange({ ...draft, expiry: event.target.value as Expiry })}
          >
            {keptExpiry !== undefined && <option value="kept">Keep: {keptExpiry}</option>}
            {Object.entries(lifetimes).map(([value, words]) => (
              <option key={value} value={value}>
                {value === 'never' ? words : `In ${words}`}
              </option>
            ))}
          </Select>
        </Field>
        <Field
          label="Allowed addresses"
          isOptional
          hint="One per line: 192.0.2.7 or 10.0.0.0/8. Empty allows any address."
          error={faults.addresses}
        >
          <Textarea
            value={draft.addresses}
            onChange={event => onChange({ ...draft, addresses: event.target.value })}
            rows={2}
            className="font-mono"
            autoCapitalize="none"
            spellCheck={false}
          />
        </Field>
      </div>
    </>
  )
}

function accountsHint({ mail, accounts }: TokenDraft): string {
  if (accounts.length > 0) return 'It sees only the selected accounts.'
  return mail === '' ? 'Without a selection, it sees no account.' : 'Mail scopes need at least one.'
}

function ScopeFields({
  draft,
  fault,
  onChange,
}: {
  draft: TokenDraft
  fault: string | undefined
  onChange(draft: TokenDraft): void
}) {
  const own = useSession().principal.scopes
  const chosen = presetOf(draft)
  const isBeyond = (scopes: readonly Scope[]) => scopes.some(scope => !own.includes(scope))
  const choicesOf = <Name extends Scope>(family: readonly Name[]): Choice<Name | ''>[] => [
    { value: '', label: 'Nothing' },
    ...family
      .filter(scope => own.includes(scope) || scopesOf(draft).includes(scope))
      .map(scope => ({ value: scope, label: scopeWords[scope].label, hint: <ScopeHint scope={scope} /> })),
  ]
  const mailChoices = choicesOf(scopeFamilies.mail)
  return (
    <div className="grid gap-2">
      <fieldset className="flex flex-wrap gap-2">
        <legend className="mb-1 text-sm font-medium">What it may do</legend>
        {presetNames
          .filter(name => !isBeyond(tokenPresets[name].scopes))
          .map(name => (
            <Button
              key={name}
              size="sm"
              aria-pressed={chosen === name}
              className="aria-pressed:border-accent aria-pressed:bg-accent-tint aria-pressed:text-accent"
              onClick={() => onChange({ ...draft, ...levelsOf(tokenPresets[name].scopes) })}
            >
              {tokenPresets[name].title}
              {tokenPresets[name].scopes.some(isUnused) && (
                <span className="text-xs font-normal text-muted">(not used yet)</span>
              )}
            </Button>
          ))}
      </fieldset>
      <div className="grid gap-x-6 gap-y-3 rounded-md border p-3 sm:grid-cols-2">
        {mailChoices.length > 1 ? (
          <Radios
            legend="With mail"
            value={draft.mail}
            choices={mailChoices}
            onChange={mail => onChange({ ...draft, mail })}
          />
        ) : (
          <p className="text-sm text-soft">Your role cannot read mail, so your tokens cannot either.</p>
        )}
        <Radios
          legend="With the dashboard"
          value={draft.dashboard}
          choices={choicesOf(scopeFamilies.dashboard)}
          onChange={dashboard => onChange({ ...draft, dashboard })}
        />
        {separateScopes
          .filter(scope => own.includes(scope) || draft.separate.includes(scope))
          .map(scope => (
            <Checkbox
              key={scope}
              label={scopeWords[scope].label}
              hint={<ScopeHint scope={scope} />}
              isChecked={draft.separate.includes(scope)}
              onChange={isChecked => onChange({ ...draft, separate: isChecked ? [scope] : [] })}
            />
          ))}
      </div>
      {fault && (
        <p role="alert" className="text-xs font-medium text-bad">
          {fault}
        </p>
      )}
      <p className="text-xs text-muted">
        Each choice includes those above it. You can only grant what you may do yourself; if you lose a right, the token
        loses it too.
      </p>
    </div>
  )
}

function ScopeHint({ scope }: { scope: Scope }) {
  return (
    <>
      {scopeWords[scope].may} <code className="font-mono whitespace-nowrap">{scope}</code>
      {isUnused(scope) && ' (nothing uses this yet)'}
    </>
  )
}
