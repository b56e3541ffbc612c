/** Checks the secret key, and seals everything again with another one. A part of the composition root. */
import { randomBytes } from 'node:crypto'
import { sealContext } from './accounts/account-row.ts'
import { providerKeyContext } from './assistant/assistant-settings-tables.ts'
import { AuditChain } from './audit/audit-chain.ts'
import { beginTrailOf, resealSettings } from './audit/audit-command.ts'
import type { TrailHead } from './audit/trail-head.ts'
import { clientSealContext, tokenSealContext } from './mail-oauth/oauth-tables.ts'
import { recordSealContext } from './mcp-auth/mcp-auth-tables.ts'
import { targetContext } from './notifiers/notifier-target.ts'
import type { DataDir } from './platform/data-dir.ts'
import type { Database } from './platform/database/database.ts'
import { SecretBox } from './platform/secret-box.ts'
import { totpSealContext } from './profile/second-factor-service.ts'
import { vapidSealContext } from './push/vapid-keys.ts'
import { secretContext } from './webhooks/webhook-tables.ts'

export interface ServerKey {
  secrets: SecretBox
  /** Writes the key to disk; undefined unless it is new. */
  keep: (() => void) | undefined
}

const checkName = 'key_check'
const checkText = 'RustyMail'
export const wrongKey =
  'the secret key is not the one that sealed the passwords in this database. Restore secret.key or RUSTYMAIL_SECRET_KEY, ' +
  'or run "rustymail key rotate" again if it was interrupted'

/** Judges whether this key sealed the database; `unknown` if nothing was sealed yet. */
export async function judgeKey(db: Database, secrets: SecretBox): Promise<'right' | 'wrong' | 'unknown'> {
  const sealed = await findMark(db)
  if (sealed !== undefined) return judge(() => secrets.open(sealed, checkName) === checkText)
  // A database older than the mark.
  const account = await db.selectFrom('accounts').select(['id', 'imap_password_sealed']).executeTakeFirst()
  if (!account) return 'unknown'
  return judge(() => secrets.open(account.imap_password_sealed, sealContext(account.id, 'imap')) !== undefined)
}

function judge(opens: () => boolean): 'right' | 'wrong' {
  try {
    return opens() ? 'right' : 'wrong'
  } catch {
    return 'wrong'
  }
}

async function findMark(db: Database): Promise<string | undefined> {
  const row = await db.selectFrom('settings').select('value').where('name', '=', checkName).executeTakeFirst()
  return row && String(JSON.parse(row.value))
}

async function markKey(db: Database, secrets: SecretBox): Promise<void> {
  const row = { value: JSON.stringify(secrets.seal(checkText, checkName)), updated_at: new Date().toISOString() }
  await db
    .insertInto('settings')
    .values({ name: checkName, ...row })
    .onConflict(conflict => conflict.column('name').doUpdateSet(row))
    .execute()
}

/**
 * Returns the key of the environment or of `secret.key`; otherwise a new one, written only if the database knows no
 * other.
 */
export function findKey(given: Buffer | undefined, dataDir: DataDir): ServerKey {
  const known = given ?? dataDir.secretKey()
  if (known) return { secrets: new SecretBox(known), keep: undefined }
  const key = randomBytes(32)
  const keep = () => dataDir.keepSecretKey(key)
  return { secrets: new SecretBox(key), keep }
}

/**
 * Checks the key, and in the same transaction marks a new database and begins its audit trail.
 * @throws Error with one clear line; nothing is changed then.
 */
export async function checkKey(db: Database, { secrets, keep }: ServerKey, head: TrailHead): Promise<void> {
  const judgement = await judgeKey(db, secrets)
  if (judgement === 'wrong' && keep) {
    throw new Error(
      'secret.key is missing in the data directory, and this database was sealed with it. Restore it from your backup, or set ' +
        'RUSTYMAIL_SECRET_KEY to what it held',
    )
  }
  if (judgement === 'wrong') throw new Error(wrongKey)
  // Written before the mark: a mark without its key would make the database unreadable.
  keep?.()
  await db.transaction().execute(async transaction => {
    const isMarked = (await findMark(transaction)) !== undefined
    const isNew = !isMarked && judgement === 'unknown' && !(await hasUsers(transaction))
    await beginTrailOf(transaction, { secrets, head, now: Date.now, isNew })
    if (!isMarked) await markKey(transaction, secrets)
  })
}

async function hasUsers(db: Database): Promise<boolean> {
  return (await db.selectFrom('users').select('id').limit(1).executeTakeFirst()) !== undefined
}

/** Seals every secret and the audit trail with the new key, in one transaction. Returns the number of secrets. */
export async function resealAll(db: Database, from: SecretBox, to: SecretBox): Promise<number> {
  return db.transaction().execute(async transaction => {
    let count = 0
    const again = (sealed: string | null, context: string) => {
      if (sealed === null) return null
      count++
      return to.seal(from.open(sealed, context), context)
    }
    for (const row of await transaction.selectFrom('accounts').selectAll().execute()) {
      const sealed = {
        imap_password_sealed: again(row.imap_password_sealed, sealContext(row.id, 'imap')) ?? '',
        smtp_password_sealed: again(row.smtp_password_sealed, sealContext(row.id, 'smtp')),
      }
      await transaction.updateTable('accounts').set(sealed).where('id', '=', row.id).execute()
    }
    for (const { id, totp_sealed } of await transaction.selectFrom('users').select(['id', 'totp_sealed']).execute()) {
      const sealed = again(totp_sealed, totpSealContext(id))
      await transaction.updateTable('users').set({ totp_sealed: sealed }).where('id', '=', id).execute()
    }
    for (const { id, private_sealed } of await transaction.selectFrom('push_keys').selectAll().execute()) {
      const sealed = { private_sealed: again(private_sealed, vapidSealContext) ?? '' }
      await transaction.updateTable('push_keys').set(sealed).where('id', '=', id).execute()
    }
    for (const { id, secret_sealed } of await transaction.selectFrom('oauth_clients').selectAll().execute()) {
      const sealed = { secret_sealed: again(secret_sealed, clientSealContext(id)) }
      await transaction.updateTable('oauth_clients').set(sealed).where('id', '=', id).execute()
    }
    for (const row of await transaction.selectFrom('oauth_grants').selectAll().execute()) {
      const sealed = {
        refresh_sealed: again(row.refresh_sealed, tokenSealContext(row.id, 'refresh')),
        access_sealed: again(row.access_sealed, tokenSealContext(row.id, 'access')) ?? '',
      }
      await transaction.updateTable('oauth_grants').set(sealed).where('id', '=', row.id).execute()
    }
    for (const { id, payload_sealed } of await transaction.selectFrom('mcp_auth_records').selectAll().execute()) {
      const sealed = { payload_sealed: again(payload_sealed, recordSealContext(id)) ?? '' }
      await transaction.updateTable('mcp_auth_records').set(sealed).where('id', '=', id).execute()
    }
    for (const row of await transaction.selectFrom('webhook_endpoints').selectAll().execute()) {
      const sealed = {
        secret_sealed: again(row.secret_sealed, secretContext(row.id)) ?? '',
        previous_sealed: again(row.previous_sealed, secretContext(row.id)),
      }
      await transaction.updateTable('webhook_endpoints').set(sealed).where('id', '=', row.id).execute()
    }
    for (const { id, target_sealed } of await transaction.selectFrom('notifiers').selectAll().execute()) {
      const sealed = { target_sealed: again(target_sealed, targetContext(id)) ?? '' }
      await transaction.updateTable('notifiers').set(sealed).where('id', '=', id).execute()
    }
    for (const { id, key_sealed } of await transaction.selectFrom('assistant_providers').selectAll().execute()) {
      const sealed = { key_sealed: again(key_sealed, providerKeyContext(id)) }
      await transaction.updateTable('assistant_providers').set(sealed).where('id', '=', id).execute()
    }
    const ends = await transaction.selectFrom('audit_chain').selectAll().executeTakeFirst()
    // A broken trail stays broken: it is not sealed as if it were intact.
    if (ends && new AuditChain(from).isSealed(ends)) {
      await transaction
        .updateTable('audit_chain')
        .set({ seal: new AuditChain(to).seal(ends) })
        .execute()
    }
    await resealSettings(transaction, from, to)
    await markKey(transaction, to)
    return count
  })
}
