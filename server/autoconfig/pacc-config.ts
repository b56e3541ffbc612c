/** PACC (draft-ietf-mailmaint-pacc): a JSON document published by the domain, and its required digest in DNS. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { OfferedServer } from './offered-servers.ts'
import { UnreadableDocument } from './xml-document.ts'

const Service = z.object({ host: z.string() }).optional()
const Document = z.object({
  protocols: z.object({ imap: Service, smtp: Service }),
  authentication: z
    .object({ 'oauth-public': z.object({ issuer: z.string() }).optional(), password: z.boolean().optional() })
    .optional(),
})

export interface PaccConfig {
  offers: readonly OfferedServer[]
  oauthIssuer: string | undefined
}

/** Parses a document; its services use the ports for implicit TLS. @throws UnreadableDocument */
export function readPacc(text: string): PaccConfig {
  const parsed = Document.safeParse(parseJson(text))
  if (!parsed.success) throw new UnreadableDocument('is not a PACC document')
  const { protocols, authentication } = parsed.data
  const issuer = authentication?.['oauth-public']?.issuer
  // If nothing is said about passwords, they are assumed unless OAuth is offered, since all servers had them first.
  const takesPassword = authentication?.password ?? issuer === undefined
  const auth = [...(takesPassword ? ['password-cleartext'] : []), ...(issuer === undefined ? [] : ['OAuth2'])]
  const offer = (kind: OfferedServer['kind'], port: number): OfferedServer[] => {
    const host = protocols[kind]?.host
    // Neither method counts as an unsupported one.
    return host === undefined
      ? []
      : [{ kind, host, port, security: 'implicit', auth: auth.length > 0 ? auth : ['none'] }]
  }
  return { offers: [...offer('imap', 993), ...offer('smtp', 465)], oauthIssuer: issuer }
}

/** Returns the base64 digests of TXT records such as `v=UAAC1; a=sha256; d=…`. */
export function digestsIn(records: readonly string[]): string[] {
  return records.flatMap(record => {
    const tags = new Map(
      record.split(';').map(tag => {
        const [name = '', ...value] = tag.split('=')
        return [name.trim().toLowerCase(), value.join('=').trim()] as const
      }),
    )
    const digest = tags.get('d')
    const isKnown = tags.get('v')?.toUpperCase() === 'UAAC1' && tags.get('a')?.toLowerCase() === 'sha256'
    return isKnown && digest ? [digest] : []
  })
}

export function hasDigest(body: Uint8Array, digests: readonly string[]): boolean {
  const own = createHash('sha256').update(body).digest()
  return digests.some(digest => Buffer.from(digest, 'base64').equals(own))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const isPage = /^\s*</.test(text)
    throw new UnreadableDocument(isPage ? 'is a web page, not settings' : 'is not JSON', { cause: error })
  }
}
