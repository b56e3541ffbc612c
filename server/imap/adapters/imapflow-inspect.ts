/** Asks an IMAP server what it offers, and what it says of the mailbox: each question by itself, so that a refused one costs no other answer. */
import type { ImapFlow } from 'imapflow'
import type { ServerFacts } from '../mail-gateway.ts'
import { listFolders } from './imapflow-folders.ts'
import type { Inside } from './imapflow-names.ts'

export async function inspectServer(client: ImapFlow): Promise<ServerFacts> {
  const { namespaces } = client as unknown as Inside
  const prefixesOf = (spaces: readonly { prefix: string }[] | false | undefined) =>
    (spaces || []).map(({ prefix }) => prefix)
  return {
    capabilities: [...client.capabilities.keys()].map(name => name.toUpperCase()).sort(),
    software: softwareOf(client),
    namespaces: {
      personal: prefixesOf(namespaces?.personal),
      other: prefixesOf(namespaces?.other),
      shared: prefixesOf(namespaces?.shared),
    },
    folders: await listFolders(client, false),
    quota: await quotaOf(client),
  }
}

async function quotaOf(client: ImapFlow): Promise<ServerFacts['quota']> {
  try {
    const said = await client.getQuota('INBOX')
    const { usage, limit } = (said || undefined)?.storage ?? {}
    return usage === undefined || !limit ? null : { usedBytes: usage, limitBytes: limit }
  } catch (error) {
    if (client.usable && error instanceof Error && 'responseStatus' in error) return null
    throw error
  }
}

function softwareOf(client: ImapFlow): string | null {
  const { name, version } = (client.serverInfo ?? {}) as Record<string, string | undefined>
  const words = [name, version].filter(word => typeof word === 'string' && word !== '').join(' ')
  return words === '' ? null : words.slice(0, 100)
}
