/** Judges what programs want to change in a mailbox, by the policy of their token. */
import { lowerAscii } from '../../contract/ascii-case.ts'
import type { PolicyFinding, TokenPolicy } from '../../contract/policy.ts'
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { PolicyRates } from './policy-rates.ts'
import { type ReadPolicy, unreadablePolicy } from './stored-policy.ts'

/** The requested change, as the server found it. */
export interface RequestedOrganizing {
  isDeletion: boolean
  messages: number
  /** Folders in which messages are changed, and into which they are moved or copied. */
  folders: readonly string[]
  /** Whether a folder is renamed, with everything in it. */
  isRename: boolean
}

export interface OrganizingJudgeOptions {
  /** Reads the current policy from the database; undefined for people. */
  read(principal: Principal, db?: Database): Promise<ReadPolicy | undefined>
  rates: Pick<PolicyRates, 'changeFindings' | 'countChanges'>
  db: Database
}

export class OrganizingJudge {
  readonly #options: OrganizingJudgeOptions
  /** A queue, so that concurrent calls cannot exceed the rate together. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: OrganizingJudgeOptions) {
    this.#options = options
  }

  /**
   * Admits a change and counts it, even if it is refused later for another reason. @throws Problem `policy_denied`.
   * @returns A function that judges it again, by the policy in force in the accepting transaction; undefined for
   * people.
   */
  async admit(
    principal: Principal,
    asked: RequestedOrganizing,
  ): Promise<((transaction: Database) => Promise<void>) | undefined> {
    const { read, rates } = this.#options
    const before = await read(principal)
    if (!before) return undefined
    judge(before, asked)
    const turn = this.#last.then(() => this.#count(principal, before.policy, asked.messages))
    this.#last = turn.catch(() => undefined)
    await turn
    return async transaction => {
      const now = await read(principal, transaction)
      if (!now || now.version === before.version) return
      judge(now, asked)
      // The change itself is counted already.
      refuse(await rates.changeFindings(principal.id, now.policy.organizing.max_per_hour, 0, transaction))
    }
  }

  async #count({ id }: Principal, { organizing }: TokenPolicy, messages: number): Promise<void> {
    const { rates, db } = this.#options
    // Without a limit nothing has to be read, and a single statement needs no transaction.
    if (organizing.max_per_hour === null) return rates.countChanges(db, id, messages)
    await db.transaction().execute(async transaction => {
      refuse(await rates.changeFindings(id, organizing.max_per_hour, messages, transaction))
      await rates.countChanges(transaction, id, messages)
    })
  }
}

function judge({ policy, isUnreadable }: ReadPolicy, asked: RequestedOrganizing): void {
  if (isUnreadable) throw new Problem('policy_denied', unreadablePolicy)
  refuse([...organizingFindings(policy.organizing, asked), ...renameFindings(policy.sending.approval, asked)])
}

function organizingFindings(
  { folders: allowed, may_delete: mayDelete }: TokenPolicy['organizing'],
  asked: RequestedOrganizing,
) {
  const findings: PolicyFinding[] = []
  const deny = (rule: PolicyFinding['rule'], why: string) => void findings.push({ rule, effect: 'deny', why })
  if (asked.isDeletion && !mayDelete) deny('may_delete', 'The token may never delete permanently.')
  if (allowed === 'all') return findings
  const known = new Set(allowed.map(folderKey))
  const others = [...new Set(asked.folders)].filter(path => !known.has(folderKey(path)))
  if (others.length > 0) deny('folders', `The token may not change messages in ${others.slice(0, 5).join(', ')}.`)
  return findings
}

/** A rename can make a folder the Sent folder, whose recipients become contacts. */
function renameFindings({ always }: TokenPolicy['sending']['approval'], { isRename }: RequestedOrganizing) {
  if (!isRename || always) return []
  const why = 'A token that may write to known people without an approval may not rename folders.'
  return [{ rule: 'folders', effect: 'deny', why }] satisfies PolicyFinding[]
}

/** INBOX is case-insensitive (RFC 9051, section 5.1), in ASCII: `ınbox` is another folder, although it becomes INBOX in upper case. */
function folderKey(path: string): string {
  return lowerAscii(path) === 'inbox' ? 'INBOX' : path
}

function refuse(findings: readonly PolicyFinding[]): void {
  if (findings.length === 0) return
  throw new Problem(
    'policy_denied',
    `The policy of the token does not allow this: ${findings.map(({ why }) => why).join(' ')}`,
  )
}
