/** Sets and removes flags. To do that twice does no harm, so whatever is not as it should be is done again. */
import type { FlagStanding } from '../imap/gateway-capabilities.ts'
import { fromWireFlag, isNothing, neededChange } from './flag-words.ts'
import type { MailStep } from './mail-step.ts'
import { type Change, type FlagChange, type PlacedItem, placeOf } from './operation-tables.ts'
import { flagsIn, gone, standingOf, type Values, type Verdicts, writeTarget } from './source-messages.ts'

export const flagsStep: MailStep = {
  async look(connection, items, change) {
    const standing = await standingOf(connection, items.map(placeOf), named(change), true)
    const verdicts: Verdicts = new Map()
    for (const item of items) {
      const before = flagsIn(standing, item.uid)
      const needed = before && neededChange(before, change)
      // What an earlier try has done of it already is a change, too.
      const known = item.changed === null ? { flags: JSON.stringify(before), changed: JSON.stringify(needed) } : {}
      if (!needed) verdicts.set(item, gone)
      else verdicts.set(item, { ...known, state: isNothing(needed) ? 'done' : 'sent' })
    }
    return { verdicts, intent: undefined }
  },

  async send(writer, items, { add = [], remove = [] }) {
    return judged(items, await writer.changeFlags(writeTarget(items), { add, remove }), { add, remove }, keptBack)
  },

  async lookAfter(connection, items, change) {
    const standing = await standingOf(connection, items.map(placeOf), named(change))
    return judged(items, standing, change, () => ({ state: 'waiting' }))
  },
}

function named({ add = [], remove = [] }: Change): string[] {
  return [...add, ...remove]
}

function judged(
  items: readonly PlacedItem[],
  after: FlagStanding,
  change: Change,
  undone: (missing: FlagChange) => Values,
): Verdicts {
  return new Map(
    items.map((item): [PlacedItem, Values] => {
      const flags = flagsIn(after, item.uid)
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
