/** The fields of one mail server. */
import type { TlsKind } from '../../contract/accounts.ts'
import { Field, Input, PasswordInput, Select } from '../ui/field.tsx'
import { type Faults, type Part, type ServerDraft, withTls } from './account-draft.ts'
import { tlsWords } from './account-words.ts'

const kinds: readonly TlsKind[] = ['implicit', 'starttls', 'none']

export function ServerFields({
  part,
  legend,
  server,
  faults,
  hasPassword = true,
  passwordHint,
  onChange,
}: {
  part: Part
  legend: string
  server: ServerDraft
  faults: Faults
  /** False if the provider accepts no passwords. */
  hasPassword?: boolean
  passwordHint?: string
  onChange(server: ServerDraft): void
}) {
  const faultOf = (field: keyof ServerDraft) => faults[`${part}.${field}`]
  const set = (change: Partial<ServerDraft>) => onChange({ ...server, ...change })
  const wholeFault = faults[part]
  return (
    <fieldset className="grid min-w-0 gap-3">
      <legend className="mb-2 text-sm font-semibold">{legend}</legend>
      {wholeFault && (
        <p role="alert" className="text-xs font-medium text-bad">
          {wholeFault}
        </p>
      )}
      <Field label="Host" error={faultOf('host')}>
        <Input
          value={server.host}
          onChange={event => set({ host: event.target.value })}
          placeholder={`${part}.example.org`}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
        />
      </Field>
      <div className="grid gap-3 sm:grid-cols-3">
        <div className="sm:col-span-2">
          <Field label="Encryption" hint={tlsWords[server.tls].hint} error={faultOf('tls')}>
            <Select
              value={server.tls}
              onChange={event => onChange(withTls(part, server, kindOf(event.target.value, server.tls)))}
            >
              {kinds.map(kind => (
                <option key={kind} value={kind}>
                  {tlsWords[kind].label}
                </option>
              ))}
            </Select>
          </Field>
        </div>
        <Field label="Port" error={faultOf('port')}>
          <Input
            value={server.port}
            onChange={event => set({ port: event.target.value })}
            inputMode="numeric"
            autoComplete="off"
          />
        </Field>
      </div>
      <div className="grid gap-3 sm:grid-cols-2">
        <Field label="User" error={faultOf('user')}>
          <Input
            value={server.user}
            onChange={event => set({ user: event.target.value })}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
          />
        </Field>
        {hasPassword && (
          <Field label="Password" hint={passwordHint} error={faultOf('password')}>
            <PasswordInput
              value={server.password}
              onChange={event => set({ password: event.target.value })}
              autoComplete="new-password"
            />
          </Field>
        )}
      </div>
    </fieldset>
  )
}

function kindOf(value: string, before: TlsKind): TlsKind {
  return kinds.find(kind => kind === value) ?? before
}
