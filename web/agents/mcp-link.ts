/** A real MCP client in this page, using the official SDK, for the playground. Loaded on demand. */
import { Client, StreamableHTTPClientTransport, type Transport } from '@modelcontextprotocol/client'
import { config } from 'zod'
import { mcpPath } from '../../contract/mcp.ts'
import type { Frame } from './frame-log.ts'

// The CSP forbids generated code, and zod's probe for it would log an error to the console.
config({ jitless: true })

export type Tool = Awaited<ReturnType<Client['listTools']>>['tools'][number]
export type Resource = Awaited<ReturnType<Client['listResources']>>['resources'][number]
export type Prompt = Awaited<ReturnType<Client['listPrompts']>>['prompts'][number]

export interface Offered {
  server: { name: string; version: string; title?: string | undefined } | undefined
  revision: string | undefined
  tools: Tool[]
  resources: Resource[]
  prompts: Prompt[]
}

/** Maximum pages read of a list. */
const maxPages = 10

export class McpLink {
  readonly #client: Client
  readonly #transport: StreamableHTTPClientTransport

  /**
   * @param token Authenticates the client; cookies are not sent, so the page is a client like any other.
   * @param onFrame Called with each raw message.
   */
  constructor(token: string, onFrame: (way: Frame['way'], message: unknown) => void) {
    this.#client = new Client(
      { name: 'RustyMail Playground', version: '1' },
      { versionNegotiation: { mode: { pin: '2026-07-28' } } },
    )
    const headers = { Authorization: `Bearer ${token}` }
    this.#transport = new StreamableHTTPClientTransport(new URL(mcpPath, location.origin), {
      requestInit: { headers, credentials: 'omit' },
    })
    listenTo(this.#transport, onFrame)
  }

  async connect(): Promise<Offered> {
    await this.#client.connect(this.#transport)
    const { resources, prompts } = this.#client.getServerCapabilities() ?? {}
    return {
      server: this.#client.getServerVersion(),
      revision: this.#client.getNegotiatedProtocolVersion(),
      tools: await allOf(async cursor => {
        const { tools: items, nextCursor } = await this.#client.listTools(cursor)
        return { items, nextCursor }
      }),
      resources: resources
        ? await allOf(async cursor => {
            const { resources: items, nextCursor } = await this.#client.listResources(cursor)
            return { items, nextCursor }
          })
        : [],
      prompts: prompts
        ? await allOf(async cursor => {
            const { prompts: items, nextCursor } = await this.#client.listPrompts(cursor)
            return { items, nextCursor }
          })
        : [],
    }
  }

  callTool(name: string, input: Record<string, unknown>) {
    return this.#client.callTool({ name, arguments: input })
  }

  readResource(uri: string) {
    return this.#client.readResource({ uri })
  }

  getPrompt(name: string, input: Record<string, string>) {
    return this.#client.getPrompt({ name, arguments: input })
  }

  close(): Promise<void> {
    return this.#client.close()
  }
}

async function allOf<Item>(
  list: (cursor: { cursor: string } | undefined) => Promise<{ items: Item[]; nextCursor?: string | undefined }>,
): Promise<Item[]> {
  const all: Item[] = []
  let cursor: string | undefined
  for (let page = 0; page < maxPages; page++) {
    const { items, nextCursor } = await list(cursor === undefined ? undefined : { cursor })
    all.push(...items)
    if (nextCursor === undefined) break
    cursor = nextCursor
  }
  return all
}

/** Observes the messages between client and transport; call it before they are connected. */
function listenTo(
  transport: StreamableHTTPClientTransport,
  onFrame: (way: Frame['way'], message: unknown) => void,
): void {
  const send = transport.send.bind(transport)
  transport.send = (message, options) => {
    onFrame('sent', message)
    return send(message, options)
  }
  type Listener = NonNullable<Transport['onmessage']>
  let hear: Listener | undefined
  Object.defineProperty(transport, 'onmessage', {
    get: () => hear,
    set: (listener: Listener | undefined) => {
      hear =
        listener &&
        ((message, extra) => {
          onFrame('received', message)
          listener(message, extra)
        })
    },
  })
}
