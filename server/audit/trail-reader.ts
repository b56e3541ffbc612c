/**
 * Reads the trail from beginning to end, to verify or export it. The server does so on a thread, see `trail-worker.ts`.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AuditChain } from './audit-chain.ts'
import { type ExportName, exportFormats } from './audit-export.ts'
import type { AuditSearch, AuditStore } from './audit-store.ts'
import type { AuditVerdict } from './audit-verdict.ts'
import { AuditVerifier, type OwnKnowledge } from './audit-verifier.ts'
import type { TrailHead } from './trail-head.ts'

export interface TrailReading {
  verify(own: OwnKnowledge): Promise<AuditVerdict>
  /** Exports in chunks, oldest first, up to the entry that is the newest at the start. */
  export(filter: AuditSearch, name: ExportName): AsyncGenerator<string, void, undefined>
}

/** Entries scanned per query. */
const stretchSize = 5_000
/** Entries per chunk of an export. */
const exportPage = 500

export class TrailReader implements TrailReading {
  readonly #store: AuditStore
  readonly #verifier: AuditVerifier

  constructor(places: { store: AuditStore; chain: AuditChain; head: Pick<TrailHead, 'read'> }) {
    this.#store = places.store
    this.#verifier = new AuditVerifier(places)
  }

  verify(own: OwnKnowledge): Promise<AuditVerdict> {
    return this.#verifier.verify(own)
  }

  async *export(filter: AuditSearch, name: ExportName): AsyncGenerator<string, void, undefined> {
    const { head, line } = exportFormats[name]
    const { newest = 0, forgotten_to = 0 } = (await this.#store.findEnds()) ?? {}
    // The head is sent with the first chunk: until then an error can still be answered as such.
    let ahead = head
    for (let after = forgotten_to; after < newest; ) {
      const before = Math.min(newest, after + stretchSize) + 1
      const rows = await this.#store.search({ after, before, limit: exportPage }, filter, 'asc')
      const piece = ahead + rows.map(line).join('')
      if (piece !== '') yield piece
      ahead = ''
      after = rows.length === exportPage ? (rows.at(-1)?.number ?? newest) : before - 1
      await nextTurn()
    }
    if (ahead !== '') yield ahead
  }
}
