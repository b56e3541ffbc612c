/** A program on a road by which words of strangers reach it. */
import type { Draft } from '../../contract/draft.ts'
import type { NewToken } from './people.ts'

export interface Road {
  token: NewToken
  /** Gets a path relative to the account. */
  get(path: string): Promise<unknown>
  post(path: string, body?: object): Promise<unknown>
  call(tool: string, input: Record<string, unknown>): Promise<unknown>
  /** Returns an old reply of the token to a stranger, whose taint it no longer remembers. */
  oldReply(): Promise<Draft>
  /** Returns the id of an old sent message of its own. */
  oldSubmission(): Promise<string>
  /** Returns the id of its old proposal about a message. */
  oldProposal(): Promise<string>
}
