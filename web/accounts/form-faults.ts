/** Field errors in the response to a form. */
import { ApiProblem } from '../platform/api-client.ts'
import type { Faults } from './account-draft.ts'
import { faultWords } from './fault-words.ts'

/** Returns the server's validation errors, and errors at the fields that a named failure concerns. */
export function faultsOfError(error: Error): Faults {
  if (!(error instanceof ApiProblem)) return {}
  const { errors = [], cause, part } = error.body
  const faults: Record<string, string> = Object.create(null)
  for (const { path, message } of errors) faults[path.replace(/^body\./, '')] = sentence(message)
  if (!cause || !part) return faults
  for (const [field, words] of Object.entries(faultWords[cause].fields)) faults[`${part}.${field}`] ??= words
  return faults
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
