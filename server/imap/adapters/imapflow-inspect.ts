/**
 * Queries capabilities, namespaces, folders and quota separately, so that a refused query does not affect the others.
 */
import type { ImapFlow } from 'imapflow'
import type { ServerFacts } from '../mail-gateway.ts'
import { listFolders } from './imapflow-folders.ts'
import type { Inside } from './imapflow-names.ts'
import { offersOf, readQuota } from './imapflow-quota.ts'

export async function inspectServer(client: ImapFlow): Promise<ServerFacts> {
  const { namespaces } = client as unknown as Inside
  const prefixesOf = (spaces: readonly { prefix: string }[] | false | undefined) =>
    (spaces || []).map(({ prefix }) => prefix)
  return {
    capabilities: offersOf(client).sort(),
    software: softwareOf(client),
    namespaces: {
      personal: prefixesOf(namespaces?.personal),
      other: prefixesOf(namespaces?.other),
      shared: prefixesOf(namespaces?.shared),
    },
    folders: await listFolders(client, false),
    quota: await readQuota(client),
  }
}

function softwareOf(client: ImapFlow): string | null {
  const { name, version } = (client.serverInfo ?? {}) as Record<string, string | undefined>
  const words = [name, version].filter(word => typeof word === 'string' && word !== '').join(' ')
  return words === '' ? null : words.slice(0, 100)
}
