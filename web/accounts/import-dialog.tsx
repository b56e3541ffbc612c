/** Imports accounts from a sealed file or a table, with a result for each. */
import { useMutation } from '@tanstack/react-query'
import { FileUp } from 'lucide-react'
import { useRef, useState } from 'react'
import type { AccountsFile, ImportedAccount, ImportedRow } from '../../contract/account-moving.ts'
import { api } from '../../contract/index.ts'
import { ApiProblem, call } from '../platform/api-client.ts'
import { formatCount } from '../platform/format.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNote, FaultNote } from '../ui/error-state.tsx'
import { Field, PasswordInput, Switch } from '../ui/field.tsx'
import { ImportResults } from './import-results.tsx'
import { useAccountsChanged } from './use-accounts.ts'

/** The chosen file, as far as the page can read it. */
type Chosen = { name: string } & (
  | { kind: 'file'; file: AccountsFile }
  | { kind: 'table'; csv: string; rows: number }
  | { kind: 'unreadable'; why: string }
)

interface Imported {
  items: readonly (ImportedAccount | ImportedRow)[]
  isDry: boolean
}

/** The dialog; mount it while it is open. */
export function ImportDialog({ onClose }: { onClose(): void }) {
  const [chosen, setChosen] = useState<Chosen>()
  const [passphrase, setPassphrase] = useState('')
  const [verifies, setVerifies] = useState(true)
  const changed = useAccountsChanged()
  const { mutate, isPending, data, error, reset } = useMutation({
    mutationFn: async ({ from, isDry }: { from: Chosen; isDry: boolean }): Promise<Imported> => {
      if (from.kind === 'file') {
        const { items } = await call(api.accountMoving.importAccounts, { body: { file: from.file, passphrase } })
        return { items, isDry: false }
      }
      if (from.kind === 'unreadable') return { items: [], isDry: true }
      const body = { csv: from.csv, dry_run: isDry, verify: verifies }
      return { items: (await call(api.accountMoving.importCsv, { body })).items, isDry }
    },
    // The request contains passwords, so it is not cached.
    gcTime: 0,
    onSuccess: changed,
  })
  const isDone = data !== undefined && !data.isDry
  const choose = async (file: File | undefined) => {
    reset()
    setChosen(file && (await read(file)))
  }
  const wrong = error instanceof ApiProblem ? error.faultOf('body.passphrase') : undefined
  return (
    <Dialog
      isOpen
      title="Import accounts"
      size="lg"
      keepsInput={!isDone}
      onClose={onClose}
      footer={
        isDone ? (
          <Button variant="primary" onClick={onClose}>
            Done
          </Button>
        ) : (
          <>
            <Button onClick={onClose}>Cancel</Button>
            {chosen?.kind === 'table' && (
              <Button isBusy={isPending} onClick={() => mutate({ from: chosen, isDry: true })}>
                Check first
              </Button>
            )}
            <Button
              variant="primary"
              isBusy={isPending}
              disabled={
                chosen === undefined || chosen.kind === 'unreadable' || (chosen.kind === 'file' && passphrase === '')
              }
              onClick={() => chosen && mutate({ from: chosen, isDry: false })}
            >
              Import
            </Button>
          </>
        )
      }
    >
      <div className="grid gap-4">
        {!isDone && <ChooseFile chosen={chosen} onChoose={choose} />}
        {chosen?.kind === 'unreadable' && <FaultNote title="This file cannot be imported" detail={chosen.why} />}
        {!isDone && chosen?.kind === 'file' && (
          <Field
            label="Passphrase of the file"
            error={wrong && 'It does not open this file.'}
            hint={`${formatCount(chosen.file.accounts, 'account')}. Connected ones stay as they are.`}
          >
            <PasswordInput
              data-first-focus
              value={passphrase}
              onChange={event => {
                reset()
                setPassphrase(event.target.value)
              }}
            />
          </Field>
        )}
        {!isDone && chosen?.kind === 'table' && (
          <Switch
            label="Test each server first"
            hint={`${formatCount(chosen.rows, 'row')}. An account whose server rejects the login is not created.`}
            isOn={verifies}
            onChange={setVerifies}
          />
        )}
        {error && wrong === undefined && <ErrorNote error={error} />}
        {data && <ImportResults items={data.items} isDry={data.isDry} />}
      </div>
    </Dialog>
  )
}

function ChooseFile({ chosen, onChoose }: { chosen: Chosen | undefined; onChoose(file: File | undefined): void }) {
  const input = useRef<HTMLInputElement>(null)
  return (
    <div className="grid gap-3">
      <p className="text-sm text-soft">
        A file that RustyMail exported, or a table (CSV) whose first row names the columns: email, imap_host and
        imap_password, and optionally name, imap_port, imap_tls, imap_user, smtp_host, smtp_port, smtp_tls, smtp_user
        and smtp_password.
      </p>
      <div className="flex flex-wrap items-center gap-3">
        <Button icon={FileUp} onClick={() => input.current?.click()}>
          {chosen ? 'Choose another file' : 'Choose a file'}
        </Button>
        {chosen && <span className="min-w-0 text-sm wrap-anywhere">{chosen.name}</span>}
        <input
          ref={input}
          type="file"
          accept=".json,.csv,application/json,text/csv"
          aria-label="File to import"
          hidden
          onChange={event => onChoose(event.target.files?.[0])}
        />
      </div>
    </div>
  )
}

const mostBytes = 8 * 1024 * 1024

async function read(file: File): Promise<Chosen> {
  const { name, size } = file
  if (size > mostBytes) return { name, kind: 'unreadable', why: 'It is too large.' }
  const text = await file.text()
  if (!text.trimStart().startsWith('{')) {
    const rows = text.split(/\r\n|\n|\r/).filter(line => line.trim() !== '').length - 1
    return { name, kind: 'table', csv: text, rows: Math.max(0, rows) }
  }
  try {
    const file = JSON.parse(text) as AccountsFile
    if (file.format === 'rustymail-accounts') return { name, kind: 'file', file }
  } catch {
    return { name, kind: 'unreadable', why: 'It is damaged: not valid JSON.' }
  }
  return { name, kind: 'unreadable', why: 'It is not a file of accounts that RustyMail exported.' }
}
