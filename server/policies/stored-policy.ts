/** Reads a stored policy. An unreadable one allows nothing until a human sets another. */
import { defaultPolicy, TokenPolicy } from '../../contract/policy.ts'

export interface ReadPolicy {
  policy: TokenPolicy
  /** The same only for the same policy. */
  version: string
  /** Whether the stored policy is broken or of a later version of RustyMail; `policy` allows nothing then. */
  isUnreadable: boolean
}

/** The reason given for a refusal. */
export const unreadablePolicy =
  'The stored policy of the token cannot be read, so nothing is allowed until a user sets it again.'

const nothing: TokenPolicy = {
  // Mode `propose`, so that not even drafts reach the mailbox.
  mode: 'propose',
  sending: { ...defaultPolicy.sending, recipients: [] },
  organizing: { folders: [], max_per_hour: 0, may_delete: false },
}

/** @param stored JSON; undefined for the default policy. */
export function readPolicy(stored: string | undefined): ReadPolicy {
  if (stored === undefined) return { policy: defaultPolicy, version: '', isUnreadable: false }
  const { success, data } = TokenPolicy.safeParse(parsed(stored))
  return success
    ? { policy: data, version: stored, isUnreadable: false }
    : { policy: nothing, version: stored, isUnreadable: true }
}

function parsed(stored: string): unknown {
  try {
    return JSON.parse(stored)
  } catch {
    return undefined
  }
}
