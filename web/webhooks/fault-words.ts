/** Why a delivery failed, in words. */
import type { Webhook } from '../../contract/webhooks.ts'

const words: Record<NonNullable<Webhook['last_fault']>, string> = {
  connection_refused: 'cannot be reached',
  timeout: 'no answer in time',
  tls_error: 'TLS failed',
  http_4xx: 'refused (4xx)',
  http_5xx: 'server error (5xx)',
  challenge_failed: 'challenge failed',
}

export function faultWords(fault: Webhook['last_fault']): string {
  return fault === null ? 'unknown' : words[fault]
}
