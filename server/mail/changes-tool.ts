/** Changes of an account since a cursor, for models: reads the index's change log, and can wait for the next change. */
import { z } from 'zod'
import { mailBounds } from '../../contract/mail.ts'
import type { IndexedMessage } from '../../contract/mail-index.ts'
import type { ProblemCode } from '../../contract/problem.ts'
import { line } from '../../contract/wire.ts'
import type { AccountService } from '../accounts/account-service.ts'
import { onlyAccount } from '../accounts/only-account.ts'
import { limitKeyOf, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { cleanLine } from '../reading/stranger-text.ts'
import { brief, defineAccountTool, type Tool } from '../tools/tool.ts'
import type { ChangeWaits } from './change-waits.ts'
import type { IndexedMail } from './indexed-mail.ts'
import type { MailService } from './mail-service.ts'
import { ToolAccount, toToolRef } from './read-message.ts'
import { FolderNames, toolPath } from './search-folder.ts'
import { Hit, toHit, toLabels } from './tool-hit.ts'
import { hitLines, nameWords } from './tool-lines.ts'

export interface ChangesToolOptions {
  indexed: Pick<IndexedMail, 'listChanges' | 'listById'>
  mail: Pick<MailService, 'listFolders'>
  accounts: Pick<AccountService, 'list'>
  waits: Pick<ChangeWaits, 'open' | 'isClosed'>
  hints: Partial<Record<ProblemCode, string>>
}

/** Clients time out a call after about half a minute. */
const maxWaitSeconds = 25
const maxChanges = 100

const Changed = z.object({
  ref: z.string(),
  subject: z.string(),
  flags: z.array(z.string()),
  labels: z.array(z.string()).optional(),
  folder: z.string().optional(),
})
const Answer = z.object({
  added: z.array(Hit.meta(brief)).describe('Like mail_search hits'),
  changed: z.array(Changed),
  removed: z.array(z.string()),
  more: z.literal(true).optional(),
  cursor: z.string(),
})
type Answer = z.infer<typeof Answer>

interface ChangesRequest {
  principal: Principal
  accountId: string
  /** Path of the only folder to report; undefined for all. */
  folder: string | undefined
  limit: number
}

export function changesTool({ indexed, mail, accounts, waits, hints }: ChangesToolOptions): Tool {
  const look = async (asked: ChangesRequest, since: string): Promise<Answer> => {
    const { principal, accountId, limit, folder } = asked
    const seen = await accounts.list(principal)
    const named = seen.length === 1 ? undefined : accountId
    const own = seen.find(({ id }) => id === accountId)?.email ?? ''
    const changes = await indexed.listChanges(principal, accountId, { since, limit }).catch(withoutQuery)
    const { created, updated, destroyed, state, has_more: hasMore } = changes
    const { items } = await indexed.listById(principal, accountId, [...created, ...updated])
    // A message without a folder is being moved or about to be removed: it is reported once that is known.
    const isMeant = ({ folders, uid_validity: validity }: IndexedMessage) =>
      validity !== 0 && (folder === undefined || folders.includes(folder))
    const inFolder = items.filter(isMeant)
    const isNew = new Set(created)
    const added = inFolder.filter(({ id }) => isNew.has(id))
    return {
      added: added.map(message => toHit(asHit(accountId, message), { named, own, hasSnippet: false })),
      changed: inFolder.filter(({ id }) => !isNew.has(id)).map(message => toChanged(named, message)),
      removed: destroyed.map(ref => toToolRef({ accountId: named, ref })),
      ...(hasMore && { more: true as const }),
      cursor: state,
    }
  }
  return defineAccountTool({
    name: 'mail_changes',
    title: 'Changes',
    description:
      'Changes since the cursor of an earlier call; without since, only the cursor. wait_s: waits for a change. removed: in any folder.',
    scope: 'mail:meta',
    effect: 'read',
    hints: { ...hints, cannot_calculate_changes: 'Call without since for a new cursor, and search again.' },
    input: z.strictObject({
      account: ToolAccount.optional(),
      folder: line.min(1).max(mailBounds.path).optional(),
      since: z.string().max(60).optional(),
      wait_s: z.int().min(0).max(maxWaitSeconds).default(0),
      limit: z.int().min(1).max(maxChanges).default(50),
    }),
    output: Answer,
    text: changeLines,
    accountOf: (principal, input) => input.account ?? onlyAccount(accounts, principal),
    run: async ({ principal, accountId, input, signal }) => {
      const { since, wait_s: waitSeconds, limit } = input
      if (since === undefined) {
        const { state } = await indexed.listChanges(principal, accountId, { limit })
        return { added: [], changed: [], removed: [], cursor: state }
      }
      const folder = await pathOf(mail, { principal, accountId, name: input.folder, signal })
      const asked = { principal, accountId, folder, limit }
      if (waitSeconds === 0) return look(asked, since)
      // Opened before the first query, so that no later change is missed.
      const wait = waits.open(limitKeyOf(principal), accountId)
      try {
        const end = performance.now() + waitSeconds * 1_000
        let answer = await look(asked, since)
        for (let left = 1; left > 0 && isEmpty(answer) && !waits.isClosed; ) {
          left = end - performance.now()
          if (!answer.more) await wait.next(left, signal)
          answer = await look(asked, answer.cursor)
        }
        return answer
      } finally {
        wait.close()
      }
    },
  })
}

/** Further changes elsewhere are no reason to return: the cursor skips them. */
function isEmpty({ added, changed, removed }: Answer): boolean {
  return added.length + changed.length + removed.length === 0
}

/** @throws Problem for a missing folder, for which the call would wait in vain. */
async function pathOf(
  mail: ChangesToolOptions['mail'],
  {
    principal,
    accountId,
    name,
    signal,
  }: Omit<ChangesRequest, 'folder' | 'limit'> & { name: string | undefined; signal: AbortSignal },
): Promise<string | undefined> {
  if (name === undefined) return undefined
  const query = { counts: false, limit: mailBounds.folders }
  const { items } = await mail.listFolders(principal, accountId, query, signal)
  const [path] = new FolderNames(items).pathsOf(name)
  if (path === undefined) throw new Problem('folder_not_found', 'There is no folder with this path or role.')
  return path
}

function asHit(accountId: string, message: IndexedMessage) {
  return { ...message, account_id: accountId, snippet: null, score: null }
}

function toChanged(named: string | undefined, { id, subject, flags, keywords, folders }: IndexedMessage) {
  const [folder = ''] = folders
  return {
    ref: toToolRef({ accountId: named, ref: id }),
    subject: cleanLine(subject),
    flags,
    ...(keywords.length > 0 && { labels: toLabels(keywords) }),
    ...(folder !== 'INBOX' && { folder: toolPath(folder) }),
  }
}

/** Renames the parameter in the error, since `listChanges` uses the REST name. */
function withoutQuery(error: unknown): never {
  if (!(error instanceof Problem) || error.code !== 'bad_request') throw error
  throw new Problem('bad_request', 'since: is not a cursor of mail_changes')
}

function changeLines({ added, changed, removed, more, cursor }: Answer): string {
  return [
    `${added.length} added, ${changed.length} changed, ${removed.length} removed.`,
    ...added.map(hit => `added ${hitLines(hit)}`),
    ...changed.map(({ ref, subject, flags, labels = [], folder }) => {
      const marks = [
        flags.length > 0 ? flags.join(' ') : 'no flags',
        ...labels.map(label => `label ${nameWords(label)}`),
        ...(folder === undefined ? [] : [`in ${nameWords(folder)}`]),
      ]
      return `changed ${ref} [${marks.join(', ')}] ${subject}`
    }),
    ...removed.map(ref => `removed ${ref}`),
    ...(more ? ['There is more: call again with the cursor.'] : []),
    `cursor ${cursor}`,
  ].join('\n')
}
