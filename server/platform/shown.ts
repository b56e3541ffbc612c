/**
 * Hook that sees what a program is shown, before it is sent: later permissions may depend on whose text it has read.
 */
import type { Operation } from './guard.ts'
import type { Principal } from './principal.ts'

/**
 * Must not throw.
 * @param answer The service's result; undefined for anything but JSON, for which it is called before the answer begins.
 * @returns A promise to await before the answer is sent, if any. If it rejects, with a Problem, the answer is not sent.
 */
export type Shown = (
  principal: Principal,
  operation: Operation,
  accountId: string | undefined,
  answer: unknown,
) => Promise<void> | undefined
