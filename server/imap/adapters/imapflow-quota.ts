/** Reads the capabilities of a server and the quota of a mailbox with ImapFlow. */
import type { ImapFlow } from 'imapflow'
import type { QuotaFigures } from '../gateway-capabilities.ts'
import type { Inside } from './imapflow-names.ts'

const mostOffers = 100
const mostRoots = 20
/** Digits of at most 53 bits: RFC 9208, section 6, allows 63, but JavaScript's integers are shorter. */
const number = /^\d{1,15}$/

export function offersOf({ capabilities }: ImapFlow): string[] {
  const words = [...capabilities].map(([name, value]) => (typeof value === 'number' ? `${name}=${value}` : name))
  return words
    .map(word => word.toUpperCase())
    .filter(word => /^[\x21-\x7e]{1,100}$/.test(word))
    .slice(0, mostOffers)
}

interface Untagged {
  attributes?: ({ value?: unknown } | { value?: unknown }[])[]
}

type Resource = { used: number; limit: number }

/** Reads all quota roots by GETQUOTAROOT; ImapFlow's own method keeps only one. */
export async function readQuota(client: ImapFlow): Promise<QuotaFigures | undefined> {
  if (![...client.capabilities.keys()].some(word => word === 'QUOTA' || word.startsWith('QUOTA=RES-'))) return undefined
  const inside = client as unknown as Inside
  const found: { bytes: Resource[]; messages: Resource[] } = { bytes: [], messages: [] }
  const note = ({ attributes }: Untagged) => {
    const list = attributes?.[1]
    if (!Array.isArray(list)) return
    const words = list.slice(0, 3 * mostRoots).map(({ value }) => String(value))
    for (let at = 0; at + 2 < words.length; at += 3) {
      const [name = '', used = '', limit = ''] = words.slice(at, at + 3)
      // Dovecot and Cyrus report a limit of 0 for no limit.
      if (!number.test(used) || !number.test(limit) || Number(limit) === 0) continue
      if (name.toUpperCase() === 'STORAGE') found.bytes.push({ used: Number(used) * 1024, limit: Number(limit) * 1024 })
      if (name.toUpperCase() === 'MESSAGE') found.messages.push({ used: Number(used), limit: Number(limit) })
    }
  }
  let roots = 0
  const untagged = {
    QUOTAROOT: async () => undefined,
    QUOTA: async (response: Untagged) => {
      if (roots++ < mostRoots) note(response)
    },
  }
  try {
    const answer = await inside.exec('GETQUOTAROOT', [{ type: 'STRING', value: 'INBOX' }], { untagged })
    answer.next()
  } catch (error) {
    if (error instanceof Error && 'responseStatus' in error && /^(NO|BAD)$/.test(String(error.responseStatus))) {
      return undefined
    }
    throw error
  }
  const [bytes, messages] = [tightest(found.bytes), tightest(found.messages)]
  return bytes || messages ? { bytes, messages } : undefined
}

function tightest(resources: readonly Resource[]): Resource | undefined {
  return resources.toSorted((one, other) => other.used / other.limit - one.used / one.limit)[0]
}
