/** Checks of the mailbox after the login: quota, folders by role, and extensions that matter to RustyMail. */
import type { Folder } from '../../contract/mail.ts'
import type { ServerFacts } from '../imap/mail-gateway.ts'
import { type Check, type Finding, skipped, toCheck } from './check.ts'

/** Share of the quota from which on it is a warning. */
const nearlyFull = 0.9

const wantedRoles: readonly NonNullable<Folder['role']>[] = ['inbox', 'sent', 'drafts', 'trash', 'junk', 'archive']

/** The fallback of RustyMail if an extension is missing. */
const extensions: readonly (readonly [names: readonly string[], without: string])[] = [
  [['IDLE'], 'new mail is polled every half minute'],
  [['QRESYNC'], 'changes are found with CONDSTORE, or by comparing'],
  [['CONDSTORE', 'QRESYNC'], 'changes are found by comparing all flags'],
  [['MOVE'], 'messages are copied and then deleted'],
  [['UIDPLUS'], 'what was copied or deleted has to be searched for'],
  [['SPECIAL-USE'], 'folders are recognised by their names'],
  [['OBJECTID'], 'messages are recognised by what is in them'],
  [['LIST-STATUS'], 'folders are counted one by one'],
]

/** @param facts Undefined if the login failed. */
export function mailboxChecks(facts: ServerFacts | undefined): Check[] {
  const ids = ['quota', 'folders', 'capabilities'] as const
  if (!facts) return ids.map(id => skipped('imap', id, 'Not known without a login.'))
  return [
    toCheck('imap', 'quota', quotaOf(facts)),
    toCheck('imap', 'folders', foldersOf(facts)),
    toCheck('imap', 'capabilities', capabilitiesOf(facts)),
  ]
}

function quotaOf({ quota }: ServerFacts): Finding {
  const figures = [
    { figure: quota?.bytes, words: mebibytes },
    { figure: quota?.messages, words: (count: number) => `${count} messages` },
  ].flatMap(({ figure, words }) => (figure ? [{ ...figure, share: figure.used / figure.limit, words }] : []))
  const [tightest] = figures.toSorted((one, other) => other.share - one.share)
  if (!tightest) return { state: 'skipped', words: 'The server names no quota.' }
  const { share } = tightest
  const details = figures.flatMap(({ used, limit, words }) => [
    ['Used', words(used)] as const,
    ['Limit', words(limit)] as const,
  ])
  const used = `${Math.floor(share * 100)} % of ${tightest.words(tightest.limit)} are used`
  const advice = ['Delete or move away large messages and empty the trash, or ask your provider for more room.']
  if (share >= 1) {
    const words = `The mailbox is full: ${used}. New mail is rejected.`
    return { state: 'failed', words, details, advice }
  }
  if (share >= nearlyFull) return { state: 'warning', words: `The mailbox is nearly full: ${used}.`, details, advice }
  return { state: 'ok', words: `${used}.`, details }
}

function foldersOf({ folders, namespaces }: ServerFacts): Finding {
  const byRole = new Map(folders.map(({ role, path }) => [role, path]))
  const missing = wantedRoles.filter(role => !byRole.has(role))
  const details = [
    ...wantedRoles.map(role => [role, byRole.get(role) ?? 'none'] as const),
    ['Folders', String(folders.length)] as const,
    ...(['personal', 'other', 'shared'] as const).map(
      kind => [`Namespace, ${kind}`, namespaces[kind].map(prefix => `"${prefix}"`).join(', ') || 'none'] as const,
    ),
  ]
  if (missing.includes('inbox')) {
    const advice = ['Ask the operator of the mail server: without INBOX there is no new mail.']
    return { state: 'failed', words: 'The server lists no INBOX.', details, advice }
  }
  if (missing.length === 0) return { state: 'ok', words: 'All usual folders are there.', details }
  return { state: 'ok', words: `There is no folder for: ${missing.join(', ')}.`, details }
}

function capabilitiesOf({ capabilities }: ServerFacts): Finding {
  const offered = new Set(capabilities)
  const has = (names: readonly string[]) => names.some(name => offered.has(name))
  const missing = extensions.filter(([names]) => !has(names))
  const details = [
    ...extensions.map(([names, without]) => [names[0]!, has(names) ? 'yes' : `no: ${without}`] as const),
    ['All', capabilities.join(' ')] as const,
  ]
  if (missing.length === 0)
    return { state: 'ok', words: 'The server has all extensions that RustyMail makes use of.', details }
  const words = `RustyMail does without: ${missing.map(([names]) => names[0]).join(', ')}.`
  return { state: 'ok', words, details }
}

function mebibytes(bytes: number): string {
  const mib = bytes / 1024 ** 2
  return mib >= 1024 ? `${(mib / 1024).toFixed(1)} GiB` : `${mib.toFixed(mib < 10 ? 1 : 0)} MiB`
}
