/** Signs requests by Standard Webhooks: symmetrically, with every valid secret. The one signer of all webhooks. */

/** Decoded bytes of a secret, after `whsec_`. */
const leastBytes = 24
const mostBytes = 64
const form = /^whsec_([A-Za-z0-9+/]+={0,2})$/

/** Returns the signature headers of one request. */
export type Sign = (id: string, at: Date, body: string) => Record<string, string>

/** Whether the text is `whsec_` and base64 of 24 to 64 bytes. */
export function isSecret(text: string): boolean {
  const encoded = form.exec(text)?.[1]
  if (encoded === undefined || encoded.length % 4 !== 0) return false
  const bytes = Buffer.from(encoded, 'base64')
  return bytes.toString('base64') === encoded && bytes.length >= leastBytes && bytes.length <= mostBytes
}

/** @param secrets Current one first; receivers accept a signature by any secret they know. */
export async function signerOf(secrets: readonly string[]): Promise<Sign> {
  // Loaded when first needed: most servers sign nothing.
  const { Webhook } = await import('standardwebhooks')
  const keys = secrets.map(secret => new Webhook(secret))
  return (id, at, body) => ({
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': keys.map(key => key.sign(id, at, body)).join(' '),
  })
}
