/** A server that discovers mail servers in a network with names of its own, called as the page calls it. */
import type { Discovery, DiscoveryStep } from '../../contract/autoconfig.ts'
import { api } from '../../contract/index.ts'
import { greetingImap, greetingSmtp, NamedNetwork, type Page, unhurried } from './named-network.ts'
import { type People, runApp } from './people.ts'

const domains = ['example.org', 'example.net', 'hoster.example', 'xn--bcher-kva.example']
const { path } = api.autoconfig.startDiscovery

/** Starts a world, which the caller stops. */
export async function startDiscoveries(): Promise<DiscoveryWorld> {
  const names = domains.flatMap(name => [name, `*.${name}`])
  const network = new NamedNetwork({ names, mail: { 993: greetingImap, 465: greetingSmtp } })
  const { people, stop } = await runApp({ overrides: { discovery: await network.start() } })
  return new DiscoveryWorld(network, people, stop)
}

export class DiscoveryWorld {
  readonly network: NamedNetwork
  readonly people: People
  readonly #stop: () => Promise<void>

  constructor(network: NamedNetwork, people: People, stop: () => Promise<void>) {
    this.network = network
    this.people = people
    this.#stop = stop
  }

  async stop(): Promise<void> {
    await this.#stop()
    await this.network.stop()
  }

  /** Forgets all names and recorded requests. */
  calm(): void {
    const { network } = this
    network.records.clear()
    for (const list of [network.questions, network.requests, network.looks]) list.length = 0
    network.serve = () => undefined
    network.silent = () => false
    network.times = unhurried
  }

  begin(email: string): Promise<Discovery> {
    return this.people.tell<Discovery>(this.people.admin, 'POST', path, { email })
  }

  /** Polls a discovery until it has ended, as the page does. */
  async find(email: string): Promise<Discovery> {
    let found = await this.begin(email)
    while (found.state === 'running') {
      found = await this.people.tell(this.people.admin, 'GET', `${path}/${found.id}?since=${found.revision}&wait=10`)
    }
    return found
  }

  /** Serves one document at the first place of a domain and runs a discovery. */
  async withDocument(page: Page | 'drip' | 'silent', email = 'anna@example.org'): Promise<Discovery> {
    this.network.host('autoconfig.example.org')
    this.network.serve = ({ host }) => (host === 'autoconfig.example.org' ? page : undefined)
    return this.find(email)
  }
}

export function step(found: Discovery, source: DiscoveryStep['source'], place?: string): DiscoveryStep {
  return found.steps.find(each => each.source === source && (!place || each.place === place))!
}

export function mozilla(servers: string, more = ''): Page {
  const provider = `<emailProvider id="x"><domain>example.org</domain><displayName>X</displayName>${servers}</emailProvider>`
  return {
    headers: { 'content-type': 'text/xml' },
    body: `<?xml version="1.0"?>${more}<clientConfig>${provider}</clientConfig>`,
  }
}

export function server(kind: 'imap' | 'smtp', host: string, port: string | number, socket = 'SSL', more = ''): string {
  const tag = kind === 'imap' ? 'incomingServer' : 'outgoingServer'
  return `<${tag} type="${kind}"><hostname>${host}</hostname><port>${port}</port><socketType>${socket}</socketType>${more}</${tag}>`
}

export const usual = server('imap', 'mail.example.org', 993) + server('smtp', 'mail.example.org', 465)
