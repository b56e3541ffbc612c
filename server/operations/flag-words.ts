/** Flags as callers name them and as mail servers write them, and the effect of changing them. */
import { Flag } from '../../contract/mail.ts'
import type { FlagChange } from './operation-tables.ts'

/** Converts system flags, such as `seen` to `\Seen`; any other name is a keyword and stays. */
export function toWireFlag(name: string): string {
  const flag = Flag.safeParse(name.toLowerCase())
  return flag.success ? `\\${flag.data[0]!.toUpperCase()}${flag.data.slice(1)}` : name
}

export function fromWireFlag(flag: string): string {
  return flag.startsWith('\\') ? flag.slice(1).toLowerCase() : flag
}

/** Returns whether a flag is among the flags, which are case-insensitive in IMAP. */
export function hasFlag(flags: readonly string[], flag: string): boolean {
  return flags.some(each => each.toLowerCase() === flag.toLowerCase())
}

/** Returns the part of the change that is not already in effect. */
export function neededChange(flags: readonly string[], { add = [], remove = [] }: Partial<FlagChange>): FlagChange {
  return { add: add.filter(flag => !hasFlag(flags, flag)), remove: remove.filter(flag => hasFlag(flags, flag)) }
}

export function isNothing({ add, remove }: FlagChange): boolean {
  return add.length === 0 && remove.length === 0
}
