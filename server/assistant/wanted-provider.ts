/**
 * Checks the provider that a caller wants to ask first: an unknown or disabled one is refused, and never replaced by
 * another.
 */
import { badInput } from '../platform/problem.ts'
import type { ModelChoice } from './model-choice.ts'

/** @throws Problem that names the field. */
export function checkWanted(choice: Pick<ModelChoice, 'models' | 'off'>, id: string | undefined): void {
  if (id === undefined || choice.models().some(model => model.id === id)) return
  const off = choice.off.get(id)
  if (off === undefined) throw badInput('body.provider', `There is no provider ${id}: see the list of providers.`)
  throw badInput('body.provider', `${off} is turned off: an administrator turns it on under Configuration, Assistant.`)
}
