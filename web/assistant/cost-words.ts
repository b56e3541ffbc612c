/** The cost of answers, in tokens and in money. */
import type { AssistantAnswer } from '../../contract/answers.ts'
import { formatNumber } from '../platform/format.ts'

export function tokenWords(usage: AssistantAnswer['usage']): string {
  const words = [
    usage?.input_tokens != null && `${formatNumber(usage.input_tokens)} tokens in`,
    usage?.output_tokens != null && `${formatNumber(usage.output_tokens)} out`,
  ]
  return words.filter(Boolean).join(', ')
}

const dollars = new Intl.NumberFormat('en', {
  style: 'currency',
  currency: 'USD',
  minimumFractionDigits: 2,
  maximumFractionDigits: 4,
})

/** Returns the cost; empty if no price is set. */
export function costWords(costUsd: number | null): string {
  if (costUsd === null) return ''
  return costUsd > 0 && costUsd < 0.0001 ? 'under $0.0001' : dollars.format(costUsd)
}
