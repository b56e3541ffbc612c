/** Sets and removes flags. This is idempotent, so whatever is missing is done again. */
import type { FlagStanding } from '../imap/gateway-capabilities.ts'
import { fromWireFlag, isNothing, neededChange } from './flag-words.ts'
import type { MailStep } from './mail-step.ts'
import { type Change, type FlagChange, type PlacedItem, placeOf } from './operation-tables.ts'
import { flagsIn, gone, standingOf, type Values, type Verdicts, writeTarget } from './source-messages.ts'

export const flagsStep: MailStep = {
  async look(connection, items, change) {
    const standing = await standingOf(connection, items.map(placeOf), named(change))
    const valuesOf = onceFor((before): { known: Values; state: Values } => {
      const needed = neededChange(before, change)
      return {
        known: { flags: JSON.stringify(before), changed: JSON.stringify(needed) },
        state: { state: isNothing(needed) ? 'done' : 'sent' },
      }
    })
    const verdicts: Verdicts = new Map()
    for (const item of items) {
      const before = flagsIn(standing, item.uid)
      const values = before && valuesOf(before)
      // The change recorded by an earlier attempt stays: what that attempt did belongs to it.
      if (values) verdicts.set(item, item.changed === null ? { ...values.known, ...values.state } : values.state)
      else verdicts.set(item, gone)
    }
    return { verdicts, intent: undefined }
  },

  async send(writer, items, { add = [], remove = [] }, sent) {
    return judged(items, await writer.changeFlags(writeTarget(items, sent), { add, remove }), { add, remove }, keptBack)
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
  const valuesOf = onceFor((flags): Values => {
    const missing = neededChange(flags, change)
    return isNothing(missing) ? { state: 'done' } : undone(missing)
  })
  return new Map(
    items.map((item): [PlacedItem, Values] => {
      const flags = flagsIn(after, item.uid)
      return [item, flags ? valuesOf(flags) : gone]
    }),
  )
}

/** Caches results by set of flags, of which a thousand messages have few. */
function onceFor<Result>(work: (flags: string[]) => Result): (flags: string[]) => Result {
  const known = new Map<string, Result>()
  return flags => {
    const key = flags.join(' ')
    const made = known.get(key) ?? work(flags)
    known.set(key, made)
    return made
  }
}

/** The outcome when flags were not stored: some servers keep no keywords, or only known ones (PERMANENTFLAGS). */
function keptBack({ add, remove }: FlagChange): Values {
  const names = [...add, ...remove].map(fromWireFlag).join(', ')
  return { state: 'failed', code: 'mail_server_refused', why: `The mail server did not change ${names}.` }
}
