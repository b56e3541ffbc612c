/** The steps of each kind of operation. */
import type { OperationKind } from '../../contract/operations.ts'
import { holdsUid } from '../imap/uid-ranges.ts'
import { copyStep } from './copy-step.ts'
import { flagsStep } from './flags-step.ts'
import type { FolderKind } from './folder-kinds.ts'
import type { MailStep } from './mail-step.ts'
import { moveStep } from './move-step.ts'
import { placeOf } from './operation-tables.ts'
import { gone, standingOf, writeTarget } from './source-messages.ts'

const deleteStep: MailStep = {
  async look(connection, items) {
    const { there: uids } = await standingOf(connection, items.map(placeOf))
    const verdicts = new Map(items.map(item => [item, holdsUid(uids, item.uid) ? { state: 'sent' as const } : gone]))
    return { verdicts, intent: undefined }
  },

  async send(writer, items, _change, sent) {
    const removed = new Set(await writer.expunge(writeTarget(items, sent)))
    return new Map(
      items.map(item => [
        item,
        removed.has(item.uid)
          ? { state: 'done' as const }
          : {
              state: 'failed' as const,
              code: 'mail_server_refused',
              why: 'The mail server did not remove the message; it may be marked as deleted there.',
            },
      ]),
    )
  },

  async lookAfter(connection, items) {
    const { there: uids } = await standingOf(connection, items.map(placeOf))
    return new Map(
      items.map(item => [item, { state: holdsUid(uids, item.uid) ? ('waiting' as const) : ('done' as const) }]),
    )
  },
}

export const steps: Record<Exclude<OperationKind, FolderKind>, MailStep> = {
  flags: flagsStep,
  move: moveStep,
  copy: copyStep,
  delete: deleteStep,
}
