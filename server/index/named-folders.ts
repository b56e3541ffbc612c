/** Reads an account's folders once per answer, shared by all of its parts. */
import type { IndexOwner } from './change-log.ts'
import { fixedStatement } from './fixed-statement.ts'
import type { NamedFolder } from './index-tables.ts'

const read = fixedStatement((db, account: number) =>
  db
    .selectFrom('folders')
    .select(['id', 'path', 'role', 'selectable', 'uid_validity', 'lowest_uid'])
    .where('account', '=', account),
)

/** Returns an owner whose reads share the data cached for one answer. */
export function forOneAnswer(owner: IndexOwner): IndexOwner {
  return owner.answer ? owner : { ...owner, answer: {} }
}

export async function namedFolders({ db, account, answer = {} }: IndexOwner): Promise<readonly NamedFolder[]> {
  answer.folders ??= read(db, account)
  return answer.folders
}
