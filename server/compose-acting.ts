/**
 * Everything that acts on mail, wired by hand: operations, drafts and the outbox, under policies and freezes. A part of
 * the composition root.
 */

import type { CertificateEnds } from './accounts/certificate-ends.ts'
import type { ProtocolLog } from './accounts/protocol-log.ts'
import { controlOf, isFrozenBy } from './acting-control.ts'
import { type ComposedDrafts, composeDrafts, type DraftSurroundings } from './compose-drafts.ts'
import { type ComposedLeaving, composeLeaving } from './compose-leaving.ts'
import { type ComposedOperations, composeOperations, type OperationSurroundings } from './compose-operations.ts'
import { composeOutbox } from './compose-outbox.ts'
import type { ComposedPolicies } from './compose-policies.ts'
import type { Config } from './config.ts'
import type { FreezeService } from './freezes/freeze-service.ts'
import type { CallMetrics } from './metrics/call-metrics.ts'
import type { FolderService } from './operations/folder-service.ts'
import type { OperationService } from './operations/operation-service.ts'
import type { OutboxService } from './outbox/outbox-service.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { Part } from './platform/lifecycle.ts'
import type { OutboundGuard } from './platform/network/outbound-guard.ts'
import type { Tracer } from './platform/tracing/tracer.ts'

export interface ActingSurroundings extends Omit<OperationSurroundings, 'control' | 'intake'>, DraftSurroundings {
  config: Pick<Config, 'smtpConnections' | 'apiKey'>
  /** The outbound guard for mail servers. */
  guard: OutboundGuard
  freezes: FreezeService
  ruling: ComposedPolicies
  calls: CallMetrics
  /** Keeps the last protocol lines of connections. */
  protocol: ProtocolLog
  tracer: Tracer | undefined
  certificates: CertificateEnds
  timeoutMs(): number
  /** Called with the extensions that the SMTP server of an account offers. */
  greeted(accountId: string, offers: readonly string[]): void
}

export interface ComposedActing {
  operations: OperationService
  folders: FolderService
  proposed: ComposedOperations['proposed']
  /** Composes the messages that are sent. */
  writing: ComposedDrafts
  outbox: OutboxService
  leaving: ComposedLeaving
  addRoutes(http: HttpServer): void
  /** Started before accounts are watched. */
  before: Part
  /** Started after the indexers. */
  parts: Part[]
}

export function composeActing(around: ActingSurroundings): ComposedActing {
  const { config, pool, freezes, ruling, indexerOf, timeoutMs } = around
  const foldersNow = (accountId: string) =>
    pool.run(accountId, 'interactive', connection => connection.listFolders(false), AbortSignal.timeout(timeoutMs()))
  const foldersOf = async (accountId: string) => indexerOf(accountId)?.listing ?? foldersNow(accountId)
  const control = controlOf({ freezes, organizing: ruling.organizing, foldersOf, foldersNow })
  const { operations, folders, proposed, ...changing } = composeOperations({ ...around, control })
  const writing = composeDrafts(around)
  const leaving = composeLeaving({ ...around, hasApiKey: config.apiKey !== undefined })
  const outgoing = composeOutbox({
    ...around,
    connections: config.smtpConnections,
    notice: (accountId, path) => indexerOf(accountId)?.notice(path),
    drafts: writing.drafts,
    blobs: writing.blobs,
    messages: writing.messages,
    choiceOf: accountId => writing.identities.sentChoiceOf(accountId),
    isHeld: isFrozenBy(freezes),
    rulesFor: leaving.rulesFor,
  })
  // Also called when another process lifted a freeze.
  freezes.onChange(() => {
    changing.lookAgain()
    outgoing.lookAgain()
  })
  return {
    ...{ operations, folders, proposed, writing, outbox: outgoing.outbox, leaving, before: changing.before },
    addRoutes: http => {
      changing.addRoutes(http)
      writing.addRoutes(http)
      outgoing.addRoutes(http)
    },
    parts: [...changing.parts, ...writing.parts, leaving.part, ...outgoing.parts],
  }
}
