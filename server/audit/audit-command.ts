/** The trail without a running server, or beside one: what the command line does with it. */
import type { Database } from '../platform/database/database.ts'
import type { Logger } from '../platform/logger.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import { AuditChain } from './audit-chain.ts'
import { type AuditFact, system, toRow } from './audit-entry.ts'
import { AuditStore } from './audit-store.ts'
import { AuditTrail } from './audit-trail.ts'
import { type AuditVerdict, AuditVerifier } from './audit-verifier.ts'

type Keys = Pick<SecretBox, 'derive'>
type Deed = Pick<AuditFact, 'operation' | 'effect' | 'refs'>

/** `rustymail audit verify`. */
export function verifyTrail(db: Database, secrets: Keys): Promise<AuditVerdict> {
  return new AuditVerifier({ store: new AuditStore(db), chain: new AuditChain(secrets) }).verify()
}

/** Notes what was done on the command line, as `cli.…`. */
export async function noteDeed(
  db: Database,
  { secrets, logger, now, deed }: { secrets: Keys; logger: Logger; now: () => number; deed: Deed },
): Promise<void> {
  const chain = new AuditChain(secrets)
  const rest = { accountId: null, input: undefined, outcome: 'ok', status: 200, durationMs: 0, requestId: '' }
  const row = toRow({ ...system, ...rest, ...deed, at: now() }, chain)
  await new AuditTrail({ store: new AuditStore(db), chain, logger }).append([row])
}
