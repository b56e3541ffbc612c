/** A server with two accounts on one in-memory mail server, for journeys of MCP clients, and the actions of these. */
import type { Client } from '@modelcontextprotocol/client'
import { onTestFinished } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { callTool, connectMcp } from './mcp-client.ts'
import { type People, type Proof, type Surroundings, startApp } from './people.ts'
import { untilIndexed, untilWatched } from './until-indexed.ts'

export const fill = (path: string, id: string) => path.replace(/\{\w+\}/, id)

/** @param folders Added to those that every mailbox has. */
export async function startMcpWorld({ folders = [], ...surroundings }: Surroundings & { folders?: string[] } = {}) {
  const gateway = new MemoryGateway()
  for (const path of folders) gateway.addFolder(path)
  // Delivered before the account exists: what is there at the first look is never announced as new.
  gateway.deliver({ subject: 'lunch', text: 'At noon?', from: [{ name: 'Cy', email: 'cy@example.org' }] })
  const { app, config, people } = await startApp({ ...surroundings, overrides: { gateway } })
  const connect = async (user: string) => {
    const imap = { host: 'mail.example.org', port: 993, tls: 'implicit', user, password: 'secret' }
    const body = { name: user, email: `${user}@example.org`, imap }
    const path = `${api.accounts.createAccount.path}?verify=false`
    return (await people.tell<Account>(people.admin, 'POST', path, body)).id
  }
  const [ann, bob] = [await connect('ann'), await connect('bob')]
  /** Waits until all delivered mail is searchable: a search starts with the index. */
  const indexed = async () => {
    const messages = [...gateway.folders.values()].reduce((sum, folder) => sum + folder.messages.length, 0)
    for (const account of [ann, bob]) await untilIndexed(people, account, messages)
  }
  await indexed()
  await untilWatched(gateway, 2)
  return { app, config, people, gateway, ann, bob, indexed }
}

export async function refOf(client: Client, account?: string): Promise<string> {
  const { value } = await callTool(client, 'mail_search', { q: 'lunch', ...(account ? { account } : {}) })
  return (value.hits as { ref: string }[])[0]!.ref
}

/** Makes the mail server leave these commands unanswered until released or until the test ends. */
export function hold(gateway: MemoryGateway, command: string) {
  const release = Promise.withResolvers<void>()
  onTestFinished(() => release.resolve())
  let count = 0
  gateway.delay = step => {
    if (step !== command) return undefined
    count++
    return release.promise
  }
  return { count: () => count, release: () => release.resolve() }
}

export const namesOf = async (client: Client) => (await client.listTools()).tools.map(({ name }) => name)

/** Opens `subscriptions/listen` and counts its notifications of changed tools. */
export async function listen(people: People, proof: Proof) {
  const client = await connectMcp(people.url, proof)
  let changes = 0
  client.setNotificationHandler('notifications/tools/list_changed', () => void changes++)
  const stream = await client.listen({ toolsListChanged: true })
  return { client, stream, changes: () => changes }
}

export const isRefused = async (client: Client) => {
  const error = await client.listTools().then(
    () => undefined,
    (refusal: unknown) => refusal,
  )
  return String(error)
}
