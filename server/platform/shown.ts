/** Hears what a program is shown, before it leaves: the rules of what it may do next can depend on whose words it has read. */
import type { Operation } from './guard.ts'
import type { Principal } from './principal.ts'

/**
 * @param answer As the service gave it; undefined for what is no JSON, which is told of before it begins. It must not throw.
 * @returns What is waited for before the answer leaves, if anything. When it rejects, with a Problem, the answer does not leave.
 */
export type Shown = (
  principal: Principal,
  operation: Operation,
  accountId: string | undefined,
  answer: unknown,
) => Promise<void> | undefined
