/** `rustymail accounts export` and `rustymail accounts import`. A part of the composition root. */
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { AccountsFile, type ImportedAccount, movingBounds } from '../contract/account-moving.ts'
import { recordAction } from './audit/audit-command.ts'
import { type Outcome, withData, withHub } from './commands.ts'
import { composeMover } from './compose-moving.ts'
import type { Config } from './config.ts'
import { checkKey } from './key-rotation.ts'
import { createLogger } from './platform/logger.ts'
import { Problem } from './platform/problem.ts'

/** On the command line nobody signs in: access to the data directory already includes the passwords. */
const signedInAt = async () => undefined

/** Exports accounts. The server must not be running, so that the audit trail can record it. */
export async function exportAccounts(config: Config, passphrase: () => Promise<string>): Promise<Outcome> {
  const { file, force } = config.backup
  if (existsSync(file) && !force) throw new Error(`${file} exists; --force replaces it`)
  return withData(config, async ({ open }) => {
    const words = await passphrase()
    if (words.length < 12 || words.length > 256) throw new Error('the passphrase must have 12 to 256 characters')
    const { db, key, head } = await open()
    await checkKey(db, key, head)
    const { secrets } = key
    const sealed = await withHub(db, hub => composeMover({ db, hub, secrets, signedInAt }).seal(words))
    const refs = { accounts: String(sealed.accounts) }
    const action = { operation: 'cli.exportAccounts', effect: 'write', refs } as const
    await recordAction(db, { secrets, head, logger: createLogger('warn'), now: Date.now, action })
    // The mode option applies to new files only.
    if (force && existsSync(file)) chmodSync(file, 0o600)
    writeFileSync(file, `${JSON.stringify(sealed, null, 2)}\n`, { mode: 0o600, flag: force ? 'w' : 'wx' })
    return { words: `${file} holds ${countOf(sealed.accounts)}, sealed with the passphrase.`, exitCode: 0 }
  })
}

/** Imports accounts. The server must not be running; it connects them when it starts. */
export async function importAccounts(config: Config, passphrase: () => Promise<string>): Promise<Outcome> {
  const sealed = readFile(config.backup.file)
  return withData(config, async ({ open }) => {
    const words = await passphrase()
    const { db, key, head } = await open()
    await checkKey(db, key, head)
    const { secrets } = key
    const results = await withHub(db, hub =>
      composeMover({ db, hub, secrets, signedInAt }).import(sealed, words),
    ).catch((error: unknown) => {
      throw error instanceof Problem ? new Error(error.message) : error
    })
    const created = results.filter(({ status }) => status === 'created').length
    const refs = { created: String(created), not_created: String(results.length - created) }
    const action = { operation: 'cli.importAccounts', effect: 'write', refs } as const
    await recordAction(db, { secrets, head, logger: createLogger('warn'), now: Date.now, action })
    const lines = results.map(resultLine)
    const isWhole = results.every(({ status }) => status !== 'invalid')
    return { words: [`${countOf(created)} created.`, ...lines].join('\n'), exitCode: isWhole ? 0 : 1 }
  })
}

function resultLine({ email, status, needs_sign_in, why }: ImportedAccount): string {
  const again = needs_sign_in ? '; sign in at its provider again, on its page' : ''
  return `${email ?? 'an account'}: ${why ?? status}${again}`
}

function readFile(file: string): AccountsFile {
  if (!existsSync(file)) throw new Error(`there is no file ${file}`)
  if (statSync(file).size > movingBounds.fileBytes) throw new Error(`${file} is too large to be a file of accounts`)
  const notOne = () => new Error(`${file} is not a file of accounts, or it is damaged`)
  try {
    const { success, data } = AccountsFile.safeParse(JSON.parse(readFileSync(file, 'utf8')))
    if (success) return data
  } catch {
    throw notOne()
  }
  throw notOne()
}

function countOf(count: number): string {
  return `${count} ${count === 1 ? 'account' : 'accounts'}`
}
