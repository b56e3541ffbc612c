/** Acting on mail, wired by hand: operations, drafts and the outbox, which policies and freezes hold. A part of the composition root. */

import type { Scope } from '../contract/scope.ts'
import { controlOf, isFrozenBy } from './acting-control.ts'
import { type ComposedDrafts, composeDrafts, type DraftSurroundings } from './compose-drafts.ts'
import { type ComposedOperations, composeOperations, type OperationSurroundings } from './compose-operations.ts'
import { composeOutbox } from './compose-outbox.ts'
import type { Config } from './config.ts'
import type { FreezeService } from './freezes/freeze-service.ts'
import type { CallMetrics } from './metrics/call-metrics.ts'
import type { FolderService } from './operations/folder-service.ts'
import type { OperationService } from './operations/operation-service.ts'
import type { OutboxService } from './outbox/outbox-service.ts'
import type { Database } from './platform/database/database.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { Part } from './platform/lifecycle.ts'
import type { OutboundGuard } from './platform/network/outbound-guard.ts'
import type { OrganizingJudge } from './policies/organizing-judge.ts'
import { type Sender, senderRights } from './sender-rights.ts'

export interface ActingSurroundings extends Omit<OperationSurroundings, 'control' | 'intake'>, DraftSurroundings {
  config: Pick<Config, 'smtpConnections' | 'apiKey'>
  /** Of mail servers. */
  guard: OutboundGuard
  freezes: FreezeService
  /** Of what programs change. */
  organizing: Pick<OrganizingJudge, 'admit'>
  calls: CallMetrics
  timeoutMs(): number
}

export interface ComposedActing {
  operations: OperationService
  folders: FolderService
  proposed: ComposedOperations['proposed']
  /** What leaves is made of. */
  writing: ComposedDrafts
  outbox: OutboxService
  /** Whether those who handed in a message may still send it. */
  mayStillSend(sender: Sender, db?: Database): Promise<boolean>
  /** Whether they still have the scope for the account. */
  mayStillAct(sender: Sender, scope: Scope): Promise<boolean>
  addRoutes(http: HttpServer): void
  /** Before what watches accounts. */
  before: Part
  /** Behind what keeps the index. */
  parts: Part[]
}

export function composeActing(around: ActingSurroundings): ComposedActing {
  const { config, db, pool, freezes, organizing, indexerOf, timeoutMs } = around
  const foldersOf = async (accountId: string) =>
    indexerOf(accountId)?.listing ??
    pool.run(accountId, 'interactive', connection => connection.listFolders(false), AbortSignal.timeout(timeoutMs()))
  const control = controlOf({ freezes, organizing, foldersOf })
  const { operations, folders, proposed, ...changing } = composeOperations({ ...around, control })
  const writing = composeDrafts(around)
  const mayStillSend = senderRights({ db, hasApiKey: config.apiKey !== undefined, now: Date.now })
  const leaving = composeOutbox({
    ...around,
    connections: config.smtpConnections,
    notice: (accountId, path) => indexerOf(accountId)?.notice(path),
    drafts: writing.drafts,
    blobs: writing.blobs,
    messages: writing.messages,
    isHeld: isFrozenBy(freezes),
    mayStillSend,
  })
  // Also for what other processes lifted.
  freezes.onChange(() => {
    changing.lookAgain()
    leaving.lookAgain()
  })
  return {
    ...{ operations, folders, proposed, writing, outbox: leaving.outbox, mayStillSend },
    mayStillAct: (sender, scope) => mayStillSend(sender, db, scope),
    ...{ before: changing.before },
    addRoutes: http => {
      changing.addRoutes(http)
      writing.addRoutes(http)
      leaving.addRoutes(http)
    },
    parts: [...changing.parts, ...writing.parts, ...leaving.parts],
  }
}
