/** Reads a policy as it is stored. One that cannot be read allows nothing, until a human sets another. */
import { defaultPolicy, TokenPolicy } from '../../contract/policy.ts'

export interface ReadPolicy {
  policy: TokenPolicy
  /** Equal only for the same policy. */
  version: string
  /** It is of a later version of RustyMail, or broken: `policy` is the one that allows nothing. */
  isUnreadable: boolean
}

/** Said where it refuses something. */
export const unreadablePolicy =
  'The stored policy of the token cannot be read, so nothing is allowed until a user sets it again.'

const nothing: TokenPolicy = {
  // So that not even a draft reaches the mailbox.
  mode: 'propose',
  sending: { ...defaultPolicy.sending, recipients: [] },
  organizing: { folders: [], max_per_hour: 0, may_delete: false },
}

/** @param stored JSON; undefined for the default. */
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
