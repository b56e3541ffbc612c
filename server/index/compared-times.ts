/** Stores when folders were last compared with the mail server, for requests after a restart. */
import type { IndexChange, IndexOwner } from './change-log.ts'
import type { FolderRow } from './index-tables.ts'

/** The time of a folder's last stored comparison with a mailbox. */
export interface Compared {
  mailbox: string
  /** Time of the comparison in milliseconds. */
  at: number
}

/** @param times By path; folders that the index does not have are left out. */
export async function noteCompared(
  change: IndexChange,
  mailbox: string,
  times: readonly (readonly [path: string, at: number])[],
): Promise<void> {
  const { db, account } = change
  change.state.compared_mailbox = mailbox
  for (const [path, at] of times) {
    await db
      .updateTable('folders')
      .set({ compared_at: at })
      .where('account', '=', account)
      .where('path', '=', path)
      .execute()
  }
}

export async function comparedOf(
  { db, account }: IndexOwner,
  { compared_at: at }: FolderRow,
): Promise<Compared | null> {
  if (at === null) return null
  const state = await db
    .selectFrom('account_state')
    .select('compared_mailbox')
    .where('account', '=', account)
    .executeTakeFirst()
  const mailbox = state?.compared_mailbox ?? null
  return mailbox === null ? null : { mailbox, at }
}
