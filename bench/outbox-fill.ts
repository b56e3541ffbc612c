/** Fills an account's outbox while its server is stopped, as sending drafts would. */
import { join } from 'node:path'
import { defaultPolicy } from '../contract/policy.ts'
import { storeRelease } from '../server/approvals/policy-release.ts'
import { Blobs } from '../server/blobs/blobs.ts'
import { type ComposedMessage, submissionHash } from '../server/drafts/composed-message.ts'
import { OutboxService } from '../server/outbox/outbox-service.ts'
import { SubmissionIds } from '../server/outbox/submission-id.ts'
import { SubmissionStore } from '../server/outbox/submission-store.ts'
import { openDatabase } from '../server/platform/database/database.ts'

const perTransaction = 500
/** The account's own address: the outbox holds messages from any other. */
export const sender = 'alice@test.local'

/** Returns a message of about 2 KiB. */
export function messageOf(index: number): Buffer {
  const head = `From: ${sender}\r\nTo: anne@there.test\r\nSubject: ${index}\r\nMessage-ID: <${index}@bench.test>\r\n`
  return Buffer.from(`${head}\r\n${'A line of a message of no great length.\r\n'.repeat(46)}`)
}

/** @param sendAt Null sends immediately. */
export async function fillOutbox(
  dataDir: string,
  accountId: string,
  count: number,
  sendAt: string | null,
): Promise<void> {
  const db = openDatabase(`sqlite:${join(dataDir, 'rustymail.db')}`)
  try {
    const blobs = new Blobs(db)
    const store = new SubmissionStore(db)
    const drafts = { mark: async () => true }
    const hub = { transact: () => Promise.reject(new Error('nobody cancels here')) }
    const options = { store, ids: new SubmissionIds(), hub, drafts, blobs, isHeld: () => false, mostWaiting: count }
    const outbox = new OutboxService(options)
    const principal = {
      id: 'api-key',
      name: 'Bench',
      kind: 'api_key',
      userId: null,
      scopes: new Set<never>(),
      accounts: 'all',
    } as const
    for (let first = 0; first < count; first += perTransaction) {
      const composed: ComposedMessage[] = []
      for (let index = first; index < Math.min(count, first + perTransaction); index++) {
        const bytes = messageOf(index)
        const pieces = (async function* () {
          yield bytes
        })()
        const blob = await blobs.write(accountId, pieces, { bytes: 1e9, accountBytes: 1e12 })
        const envelope = { from: sender, to: ['anne@there.test'] }
        composed.push({
          ...{ draftId: `d${String(index).padStart(21, '0')}`, rev: 1, accountId, envelope },
          from: { email: sender, name: null },
          recipients: [{ email: 'anne@there.test', kind: 'to' as const }],
          ...{ subject: String(index), messageId: `<${index}@bench.test>`, blobId: blob.id, sizeBytes: bytes.length },
          ...{ attachmentBytes: 0, sha256: blob.sha256, hash: submissionHash(envelope, blob.sha256) },
          answers: undefined,
        })
      }
      const state = sendAt === null ? ('queued' as const) : ('scheduled' as const)
      await db.transaction().execute(async transaction => {
        for (const each of composed) {
          // Stored with the verdict of the default policy, so that it is judged again and leaves.
          const { attachmentBytes, envelope } = each
          const judged = { accountId, recipients: envelope.to, attachmentBytes, threadPeople: undefined, taintMs: null }
          const policyRelease = storeRelease(defaultPolicy, judged)
          const submitted = { principal, composed: each, state, sendAt, approvalId: null, policyRelease }
          await outbox.submit(transaction, () => undefined, submitted)
        }
      })
    }
  } finally {
    await db.destroy()
  }
}
