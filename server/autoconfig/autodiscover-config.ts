/** Microsoft's Autodiscover in its XML form (POX, MS-OXDSCLI), of which only IMAP and SMTP are read. */
import type { OfferedServer } from './offered-servers.ts'
import { childOf, childrenOf, readXml, shownText, textOf, UnreadableDocument, type XmlElement } from './xml-document.ts'

const schema = 'http://schemas.microsoft.com/exchange/autodiscover/outlook'

export function autodiscoverRequest(email: string): string {
  const escaped = email.replaceAll(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
  return (
    `<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="${schema}/requestschema/2006"><Request>` +
    `<EMailAddress>${escaped}</EMailAddress><AcceptableResponseSchema>${schema}/responseschema/2006a</AcceptableResponseSchema>` +
    '</Request></Autodiscover>'
  )
}

/** @throws UnreadableDocument if it contains no settings. */
export async function readAutodiscover(text: string): Promise<readonly OfferedServer[]> {
  const root = await readXml(text)
  const response = childOf(root, 'Response')
  if (root.name !== 'Autodiscover' || !response) throw new UnreadableDocument('is not an Autodiscover document')
  const account = childOf(response, 'Account')
  const elsewhere = textOf(account, 'RedirectUrl') ?? textOf(account, 'RedirectAddr')
  if (elsewhere !== undefined) throw new UnreadableDocument(`refers to ${shownText(elsewhere)}, which is not followed`)
  return childrenOf(account, 'Protocol').flatMap(offersOf)
}

function offersOf(protocol: XmlElement): OfferedServer[] {
  const kind = (textOf(protocol, 'Type') ?? protocol.attributes.Type)?.toLowerCase()
  if (kind !== 'imap' && kind !== 'smtp') return []
  const written = textOf(protocol, 'Port') ?? (kind === 'imap' ? '993' : '465')
  const port = /^\d{1,5}$/.test(written) ? Number(written) : Number.NaN
  return [
    {
      kind,
      host: textOf(protocol, 'Server') ?? '',
      port,
      security: securityOf(protocol, port),
      user: textOf(protocol, 'LoginName'),
      auth: textOf(protocol, 'SPA')?.toLowerCase() === 'on' ? ['NTLM'] : [],
    },
  ]
}

/**
 * Returns the encryption: `Encryption` overrides `SSL`, whose default is on; on the ports of the plain protocols that
 * means STARTTLS.
 */
function securityOf(protocol: XmlElement, port: number): OfferedServer['security'] {
  const encryption = textOf(protocol, 'Encryption')?.toLowerCase()
  if (encryption === 'ssl') return 'implicit'
  if (encryption === 'tls') return 'starttls'
  if (encryption === 'none') return 'none'
  if (textOf(protocol, 'SSL')?.toLowerCase() === 'off') return 'none'
  return [143, 587, 25].includes(port) ? 'starttls' : 'implicit'
}
