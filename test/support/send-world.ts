/** The whole path of outgoing mail on a real database, from drafts to the outbox's queue, with in-memory senders. */
import { createHash, randomBytes } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { type ApprovalSettings, defaultApprovalSettings } from '../../contract/approvals.ts'
import { defaultPolicy, type TokenPolicy } from '../../contract/policy.ts'
import type { MailLogin } from '../../server/accounts/mail-login.ts'
import { isFrozenBy } from '../../server/acting-control.ts'
import { ApprovalEnds } from '../../server/approvals/approval-ends.ts'
import { ApprovalIds } from '../../server/approvals/approval-id.ts'
import { ApprovalService } from '../../server/approvals/approval-service.ts'
import { ApprovalStore } from '../../server/approvals/approval-store.ts'
import { HeldEdits } from '../../server/approvals/held-edits.ts'
import { LeaveRules } from '../../server/approvals/leave-rules.ts'
import { PasskeyConfirmation } from '../../server/approvals/passkey-confirmation.ts'
import { ReleaseCheck } from '../../server/approvals/release-check.ts'
import { SendService, type SendServiceOptions } from '../../server/approvals/send-service.ts'
import type { SenderStateOptions } from '../../server/approvals/sender-state.ts'
import { submissionHash } from '../../server/drafts/composed-message.ts'
import { DraftKeys } from '../../server/drafts/draft-keys.ts'
import { FreezeService } from '../../server/freezes/freeze-service.ts'
import { FreezeStore } from '../../server/freezes/freeze-store.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { ConnectionPool } from '../../server/imap/connection-pool.ts'
import { MessageRefs } from '../../server/imap/message-ref.ts'
import { LeaseService } from '../../server/leases/lease-service.ts'
import { LeaseStore } from '../../server/leases/lease-store.ts'
import { MemorySenders } from '../../server/outbox/adapters/memory-sender.ts'
import { CopyMemory } from '../../server/outbox/copy-memory.ts'
import type { MailSenders } from '../../server/outbox/mail-sender.ts'
import { OutboxQueue } from '../../server/outbox/outbox-queue.ts'
import { OutboxService } from '../../server/outbox/outbox-service.ts'
import { SubmissionIds } from '../../server/outbox/submission-id.ts'
import { SubmissionStore } from '../../server/outbox/submission-store.ts'
import type { Database } from '../../server/platform/database/database.ts'
import { createLogger } from '../../server/platform/logger.ts'
import type { Principal } from '../../server/platform/principal.ts'
import { Problem } from '../../server/platform/problem.ts'
import type { ProposalIntake } from '../../server/platform/proposal-intake.ts'
import { Signer } from '../../server/platform/secret-box.ts'
import { systemClock } from '../../server/platform/timer-clock.ts'
import { PolicyRates } from '../../server/policies/policy-rates.ts'
import type { PolicyService } from '../../server/policies/policy-service.ts'
import { PolicyStore } from '../../server/policies/policy-store.ts'
import { TokenJudge } from '../../server/policies/token-judge.ts'
import { agent, ann, signal, startDrafts, writer } from './draft-world.ts'

export { agent, ann, signal }
/** Another user. */
export const ben = writer('session-2', { kind: 'session', userId: 'ben', accounts: 'all' })
const login = { host: 'memory', port: 25, tls: 'none', user: 'me', password: 'secret' } as const
const logger = createLogger('silent')

export interface SendWorldOptions {
  db?: Database
  senders?: MailSenders
  login?: MailLogin
  /** Makes it ignore the facts of other processes. */
  isDeaf?: boolean
  /** False if another world on the same database delivers. */
  hasQueue?: boolean
  /** Receives the proposals of tokens that may only propose. */
  intake?: ProposalIntake
  sizeLimitOf?: SendServiceOptions['sizeLimitOf']
}

interface Rules {
  policy: TokenPolicy
  settings: ApprovalSettings & { is_unreadable?: boolean }
  /** Addresses written to before; undefined while they cannot be read. */
  written: Set<string> | undefined
  signedInAt: number | undefined
  /** Ids of principals that may no longer send. */
  ended: Set<string>
  /** Ids of users who may no longer approve. */
  demoted: Set<string>
  /** Rights of users by now, where they differ from those of their request. */
  narrowed: Map<string, Partial<Principal>>
  account: { version: string; addresses: Set<string> }
  isPolicyUnreadable: boolean
  /** Ids of users without a passkey. */
  withoutPasskey: Set<string>
}

/** Starts a world in which the agent is bound by `policy`, which a test may change, and users by none. */
export async function startSending(options: SendWorldOptions = {}) {
  const clock = { ahead: 0, now: () => Date.now() + clock.ahead }
  const reads = new Map<string, number>()
  const drafting = await startDrafts({
    ...options,
    bounds: { drafts: 1_000_000 },
    taintOf: async id => (reads.has(id) ? clock.now() - reads.get(id)! : null),
  })
  const { hub, db, drafts, composer, blobs } = drafting
  const leases = new LeaseService({ store: new LeaseStore(db), isAlone: true, renews: false, logger })
  await leases.start()
  const freezes = new FreezeService({
    store: new FreezeStore(db),
    hub: options.isDeaf ? { transact: work => hub.transact(work), listen: () => () => undefined } : hub,
    ownerOf: async () => 'ann',
    accountIds: async () => new Set(['a', 'b']),
    now: clock.now,
    logger,
  })
  await freezes.start()
  const rules: Rules = {
    policy: defaultPolicy,
    settings: { ...defaultApprovalSettings, undo_seconds: 0 },
    written: new Set(),
    signedInAt: Date.now(),
    ended: new Set(),
    demoted: new Set(),
    narrowed: new Map(),
    account: { version: '1', addresses: new Set(['ann@example.org']) },
    isPolicyUnreadable: false,
    withoutPasskey: new Set(),
  }
  const mayStillSend = async ({ principal_id: id }: { principal_id: string }) => !rules.ended.has(id)
  let stored: Pick<PolicyService, 'read'> | undefined
  const policies: Pick<PolicyService, 'read'> = {
    read: async (principal, transaction) => {
      if (stored) return stored.read(principal, transaction)
      const { kind } = principal
      const { policy, isPolicyUnreadable: isUnreadable } = rules
      return kind === 'session' ? undefined : { policy, version: JSON.stringify(policy), isUnreadable }
    },
  }
  const rates = new PolicyRates(new PolicyStore(db), clock.now)
  const judge = new TokenJudge({
    rates,
    writtenTo: async () => {
      if (!rules.written) throw new Error('the index cannot be read')
      return rules.written
    },
    lastStrangerRead: async id => reads.get(id),
    now: clock.now,
  })
  const submissions = new SubmissionStore(db)
  const isHeld = isFrozenBy(freezes)
  const outbox = new OutboxService({
    store: submissions,
    ids: new SubmissionIds(),
    hub,
    drafts,
    blobs,
    isHeld,
    now: clock.now,
    mostWaiting: 1_000_000,
  })
  const senders = new MemorySenders()
  const imap = { host: 'memory', port: 143, tls: 'none', user: 'a', password: 'secret' } as const
  const pool = new ConnectionPool({
    gateway: new MemoryGateway(),
    login: async () => imap,
    limits: { connection_timeout_seconds: 5, max_connections: 50, connection_pool_size: 3 },
    health: { setConnections: () => undefined },
    logger,
  })
  const store = new ApprovalStore(db)
  const settings = { read: async () => ({ is_unreadable: false, ...rules.settings }) }
  const ids = new ApprovalIds()
  const nextId = () => ids.next()
  const { now } = clock
  const senderState: SenderStateOptions = {
    freezes,
    policies,
    mayStillSend,
    accountOf: async () => {
      const { version, addresses } = rules.account
      return { version, owns: async email => addresses.has(email) }
    },
  }
  const leaving = new LeaveRules({ ...{ ...senderState, store, settings, outbox, judge, hub, nextId, now } })
  const queue = new OutboxQueue({
    ...{ store: submissions, hub, blobs, drafts, leases, leaving, logger, pool },
    refs: new MessageRefs(new Signer(randomBytes(32))),
    memory: new CopyMemory(),
    notice: () => undefined,
    senders: options.senders ?? senders,
    loginOf: async () => options.login ?? login,
    connections: () => 3,
    clock: { ...systemClock, now },
  })
  freezes.onChange(() => queue.lookAgain())
  const othersIn: SendServiceOptions['othersIn'] = async (_principal, _accountId, people) =>
    people.map(({ email }) => email).filter(email => !rules.account.addresses.has(email))
  const sending = new SendService({
    othersIn,
    ...{ drafts, composer, outbox, judge, policies, rates, freezes, store, settings, hub, nextId, now },
    ...(options.intake && { intake: options.intake }),
    ...(options.sizeLimitOf && { sizeLimitOf: options.sizeLimitOf }),
    keys: new DraftKeys(drafting.store),
    accounts: { get: async () => ({ enabled: true, smtp: login }) },
    peopleOf: async () => undefined,
  })
  const releases = new ReleaseCheck({ ...senderState, judge, now })
  const ends = new ApprovalEnds({ store, outbox, releases, hub, now, logger })
  // The purpose itself serves as proof that this user's passkey signed it.
  const passkeys = new PasskeyConfirmation({
    has: async userId => !rules.withoutPasskey.has(userId),
    beginConfirming: async (userId, purpose) => ({ challenge_id: `${userId} ${purpose}`, options: {} }),
    confirm: async (userId, purpose, { challenge_id: signed }) => {
      if (signed !== `${userId} ${purpose}`) throw new Problem('passkey_required', 'not this one')
    },
  })
  const approvals = new ApprovalService({
    ...{ store, settings, outbox, releases, ends, hub, now },
    findApprover: async userId => {
      if (rules.demoted.has(userId)) return undefined
      return [ann, ben, writer('session-3', { kind: 'session', userId: 'cy', accounts: 'all' })].find(
        user => user.userId === userId,
      )
    },
    findDecider: async principal => {
      const userId = principal.userId ?? ''
      return rules.demoted.has(userId) ? undefined : { ...principal, ...rules.narrowed.get(userId) }
    },
    signedInAt: async () => rules.signedInAt,
    passkeys,
  })
  const edits = new HeldEdits({ othersIn, approvals, releases, store, drafts, composer, outbox, hub, now })
  if (options.hasQueue !== false) await queue.start()
  await ends.start()
  onTestFinished(async () => {
    await ends.stop()
    await queue.stop()
    freezes.stop()
    await pool.stop()
    await leases.stop()
  })
  return {
    ...{ ...drafting, freezes, rules, rates, reads, judge, outbox, senders, sending, approvals, approvalStore: store },
    ...{ passkeys, edits, othersIn, ends, releases, clock, queue, submissions, leaving },
    /** Replaces `rules.policy` as the source of policies. */
    usePolicies: (service: Pick<PolicyService, 'read'>) => {
      stored = service
    },
    /** Returns the approval that a submission waits for. */
    approvalOf: async (submissionId: string) => (await store.findOf(submissionId))!,
    send: (
      draft: { id: string; rev: number },
      principal: Principal = agent,
      more: { at?: string; key?: string } = {},
    ) => sending.send(principal, 'a', draft.id, { rev: draft.rev, at: more.at }, signal, more.key),
    stateOf: async (submissionId: string) => (await outbox.find(submissionId))!.state,
  }
}

/** Returns the hash to which an approval must be bound for the message that a mail server accepted. */
export function hashOfTaken({
  envelope,
  bytes,
}: {
  envelope: { from: string; to: readonly string[] }
  bytes: Uint8Array
}): string {
  return submissionHash(envelope, createHash('sha256').update(bytes).digest('hex'))
}
