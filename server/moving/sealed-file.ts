/**
 * Accounts as text, sealed with a passphrase: argon2id derives the key, AES-256-GCM seals. `docs/moving.md` has the
 * format.
 */
import { argon2, createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import type { AccountsFile } from '../../contract/account-moving.ts'
import { Problem } from '../platform/problem.ts'

const derive = promisify(argon2)
/**
 * RFC 9106, section 4: the second recommended option, for machines with little memory. A file is opened rarely, but
 * guessed at often.
 */
const usual = { memory_kib: 65_536, passes: 3, parallelism: 1 }
const keyBytes = 32

export async function sealAccounts(
  accounts: readonly unknown[],
  passphrase: string,
  { now = Date.now, cost = usual }: { now?: () => number; cost?: typeof usual } = {},
): Promise<AccountsFile> {
  const head = {
    format: 'rustymail-accounts',
    version: 1,
    created_at: new Date(now()).toISOString(),
    accounts: accounts.length,
    kdf: { name: 'argon2id', ...cost, salt: randomBytes(16).toString('base64') },
  } as const
  const { key, check } = await keysOf(passphrase, head.kdf)
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(boundTo(head))
  const sealed = Buffer.concat([cipher.update(JSON.stringify({ accounts }), 'utf8'), cipher.final()])
  return {
    ...head,
    check: check.toString('base64'),
    cipher: { name: 'aes-256-gcm', nonce: nonce.toString('base64'), tag: cipher.getAuthTag().toString('base64') },
    sealed: sealed.toString('base64'),
  }
}

/**
 * Opens a file. @returns Its content, not validated yet. @throws Problem that distinguishes a wrong passphrase from a
 * damaged file.
 */
export async function openAccounts(file: AccountsFile, passphrase: string): Promise<unknown[]> {
  const { key, check } = await keysOf(passphrase, file.kdf)
  const given = Buffer.from(file.check, 'base64')
  if (given.length !== check.length || !timingSafeEqual(given, check)) {
    throw refused('passphrase', 'does not open this file: it is wrong, or the beginning of the file was changed')
  }
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(file.cipher.nonce, 'base64'), {
      authTagLength: 16,
    })
    decipher.setAAD(boundTo(file)).setAuthTag(Buffer.from(file.cipher.tag, 'base64'))
    const text = Buffer.concat([decipher.update(Buffer.from(file.sealed, 'base64')), decipher.final()]).toString('utf8')
    const { accounts } = JSON.parse(text) as { accounts?: unknown }
    if (!Array.isArray(accounts) || accounts.length !== file.accounts) throw new Error('not as many as it states')
    return accounts
  } catch {
    // The passphrase is right, so the error's details do not help.
    throw refused('file', 'is damaged: it is not as it was sealed')
  }
}

/** Derives two independent keys from a passphrase: one for sealing, and one for checking the passphrase. */
async function keysOf(
  passphrase: string,
  { memory_kib, passes, parallelism, salt }: AccountsFile['kdf'],
): Promise<{ key: Buffer; check: Buffer }> {
  const nonce = Buffer.from(salt, 'base64')
  if (nonce.length < 8) throw refused('file', 'is damaged: its salt is too short')
  const cost = { memory: memory_kib, passes, parallelism, tagLength: 2 * keyBytes }
  // Normalised, since keyboards differ in composed and decomposed letters.
  const bytes = await derive('argon2id', { message: Buffer.from(passphrase.normalize('NFKC')), nonce, ...cost })
  const check = createHmac('sha256', bytes.subarray(keyBytes))
    .update('rustymail-accounts check')
    .digest()
    .subarray(0, 16)
  return { key: bytes.subarray(0, keyBytes), check }
}

/** Returns the unencrypted fields as associated data, so that they cannot be changed either. */
function boundTo({
  format,
  version,
  created_at,
  accounts,
  kdf,
}: Pick<AccountsFile, 'format' | 'version' | 'created_at' | 'accounts' | 'kdf'>): Buffer {
  const { name, memory_kib, passes, parallelism, salt } = kdf
  return Buffer.from([format, version, created_at, accounts, name, memory_kib, passes, parallelism, salt].join('\n'))
}

function refused(field: 'passphrase' | 'file', message: string): Problem {
  const detail = field === 'file' ? `The file ${message}.` : `The passphrase ${message}.`
  return new Problem('bad_request', detail, { errors: [{ path: `body.${field}`, message }] })
}
