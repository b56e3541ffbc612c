/** A program on a road by which words of strangers reach it. */
import type { Draft } from '../../contract/draft.ts'
import type { NewToken } from './people.ts'

export interface Road {
  token: NewToken
  /** Relative to the account. */
  get(path: string): Promise<unknown>
  post(path: string, body?: object): Promise<unknown>
  call(tool: string, input: Record<string, unknown>): Promise<unknown>
  /** A reply that the token wrote long ago, as far as is known, of somebody it does not remember. */
  oldReply(): Promise<Draft>
  /** A message of its own that was sent long ago. */
  oldSubmission(): Promise<string>
  /** What it proposed long ago to do with a message. */
  oldProposal(): Promise<string>
}
