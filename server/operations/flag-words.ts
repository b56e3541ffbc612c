/** Flags as callers name them and as mail servers write them, and what a change of them comes to. */
import { Flag } from '../../contract/mail.ts'
import type { FlagChange } from './operation-tables.ts'

/** `seen` is `\Seen`; everything else is a keyword. */
export function toWireFlag(name: string): string {
  const flag = Flag.safeParse(name.toLowerCase())
  return flag.success ? `\\${flag.data[0]!.toUpperCase()}${flag.data.slice(1)}` : name
}

export function fromWireFlag(flag: string): string {
  return flag.startsWith('\\') ? flag.slice(1).toLowerCase() : flag
}

/** Neither case nor `\Recent`, which the server sets for itself, makes a difference. */
export function hasFlag(flags: readonly string[], flag: string): boolean {
  return flags.some(each => each.toLowerCase() === flag.toLowerCase())
}

/** What of the change is not so already. */
export function neededChange(flags: readonly string[], { add = [], remove = [] }: Partial<FlagChange>): FlagChange {
  return { add: add.filter(flag => !hasFlag(flags, flag)), remove: remove.filter(flag => hasFlag(flags, flag)) }
}

export function isNothing({ add, remove }: FlagChange): boolean {
  return add.length === 0 && remove.length === 0
}
