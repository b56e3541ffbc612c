/** Sets and removes flags. To do that twice does no harm, so whatever is not as it should be is done again. */
import { type ChangedMessage, UnknownOutcome } from '../imap/gateway-capabilities.ts'
import { fromWireFlag, isNothing, neededChange } from './flag-words.ts'
import type { MailStep } from './mail-step.ts'
import { type Change, type FlagChange, type PlacedItem, placeOf } from './operation-tables.ts'
import { flagsOf, gone, type Values, type Verdicts, writeTarget } from './source-messages.ts'

export const flagsStep: MailStep = {
  async look(connection, items, change) {
    const flags = await flagsOf(connection, items.map(placeOf))
    const verdicts: Verdicts = new Map()
    for (const item of items) {
      const before = flags.get(item.uid)
      const needed = before && neededChange(before, change)
      // What an earlier try has done of it already is a change, too.
      const isFirst = item.changed === null
      const known = isFirst ? { flags: JSON.stringify(before), changed: JSON.stringify(needed) } : {}
      if (!needed) verdicts.set(item, gone)
      else verdicts.set(item, { ...known, state: isNothing(needed) ? 'done' : 'sent' })
    }
    return { verdicts, intent: undefined }
  },

  async send(writer, items, { add = [], remove = [] }) {
    const target = writeTarget(items)
    let after: ChangedMessage[] = []
    if (add.length > 0) after = await writer.setFlags(target, 'add', add)
    try {
      if (remove.length > 0) after = await writer.setFlags(target, 'remove', remove)
    } catch (error) {
      // The first half is done.
      throw add.length > 0 && !(error instanceof UnknownOutcome) ? new UnknownOutcome(error) : error
    }
    return judged(items, new Map(after.map(({ uid, flags }) => [uid, flags])), { add, remove }, keptBack)
  },

  async lookAfter(connection, items, change) {
    const flags = await flagsOf(connection, items.map(placeOf))
    return judged(items, flags, change, () => ({ state: 'waiting' }))
  },
}

function judged(
  items: readonly PlacedItem[],
  after: ReadonlyMap<number, readonly string[]>,
  change: Change,
  undone: (missing: FlagChange) => Values,
): Verdicts {
  return new Map(
    items.map((item): [PlacedItem, Values] => {
      const flags = after.get(item.uid)
      if (!flags) return [item, gone]
      const missing = neededChange(flags, change)
      return [item, isNothing(missing) ? { state: 'done' } : undone(missing)]
    }),
  )
}

/** Some servers keep no keywords, or only known ones (PERMANENTFLAGS). */
function keptBack({ add, remove }: FlagChange): Values {
  const names = [...add, ...remove].map(fromWireFlag).join(', ')
  return { state: 'failed', code: 'mail_server_refused', why: `The mail server did not change ${names}.` }
}
