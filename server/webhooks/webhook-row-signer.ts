/** Creates the signer of an endpoint from its valid secrets. */
import type { SecretBox } from '../platform/secret-box.ts'
import { type Sign, signerOf } from './webhook-signer.ts'
import { secretContext, type WebhookRow } from './webhook-tables.ts'

export function signerOfRow(
  { id, secret_sealed, previous_sealed, previous_until }: WebhookRow,
  { secrets, now }: { secrets: SecretBox; now(): number },
): Promise<Sign> {
  const open = (sealed: string) => secrets.open(sealed, secretContext(id))
  const isBoth = previous_sealed !== null && previous_until !== null && now() < Date.parse(previous_until)
  return signerOf([secret_sealed, ...(isBoth ? [previous_sealed] : [])].map(open))
}
