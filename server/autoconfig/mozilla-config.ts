/**
 * Mozilla's autoconfiguration format (ISPDB; draft-ietf-mailmaint-autoconfig), both as shipped and as published by
 * domains.
 */
import type { OfferedServer } from './offered-servers.ts'
import { childOf, childrenOf, readXml, textOf, UnreadableDocument, type XmlElement } from './xml-document.ts'

export interface MozillaConfig {
  id: string
  domains: readonly string[]
  /** Host names of mail exchangers, or their suffixes, for custom domains of the provider's customers. */
  mxDomains: readonly string[]
  name: string
  offers: readonly OfferedServer[]
  oauthIssuer: string | undefined
  /** A step that users of the provider have to take first. */
  instruction: string | undefined
  documentationUrl: string | undefined
}

const securities: Readonly<Record<string, OfferedServer['security']>> = {
  ssl: 'implicit',
  tls: 'implicit',
  starttls: 'starttls',
  plain: 'none',
}

/** Parses a document; its servers are not judged yet. @throws UnreadableDocument if it is not in this format. */
export async function readMozillaConfig(text: string): Promise<MozillaConfig> {
  const root = await readXml(text)
  const provider = childOf(root, 'emailProvider')
  if (root.name !== 'clientConfig' || !provider) throw new UnreadableDocument('is not an autoconfig document')
  const domains = childrenOf(provider, 'domain')
  const isMx = (element: XmlElement) => element.attributes.purpose === 'mx'
  return {
    id: provider.attributes.id ?? '',
    domains: domains.filter(domain => !isMx(domain)).map(({ text: name }) => name),
    mxDomains: domains.filter(isMx).map(({ text: name }) => name),
    name: textOf(provider, 'displayName') ?? '',
    offers: [...childrenOf(provider, 'incomingServer'), ...childrenOf(provider, 'outgoingServer')].flatMap(offersOf),
    oauthIssuer: textOf(childOf(root, 'oAuth2') ?? childOf(provider, 'oAuth2'), 'issuer'),
    instruction: textOf(childOf(provider, 'enable'), 'instruction'),
    documentationUrl: childOf(provider, 'documentation')?.attributes.url,
  }
}

function offersOf(server: XmlElement): OfferedServer[] {
  const kind = server.name === 'incomingServer' ? 'imap' : 'smtp'
  if (server.attributes.type?.toLowerCase() !== kind) return []
  const [host, port] = [textOf(server, 'hostname'), textOf(server, 'port')]
  return [
    {
      kind,
      host: host ?? '',
      port: /^\d{1,5}$/.test(port ?? '') ? Number(port) : Number.NaN,
      security: securities[textOf(server, 'socketType')?.toLowerCase() ?? ''] ?? 'none',
      user: textOf(server, 'username'),
      auth: childrenOf(server, 'authentication').map(({ text }) => text),
    },
  ]
}
