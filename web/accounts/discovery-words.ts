/** Sources of discovered settings and their outcomes, in words. */
import type { DiscoveredSettings, DiscoverySource, DiscoveryStep } from '../../contract/autoconfig.ts'
import type { Tone } from '../ui/tone.ts'

export const sourceWords: Record<DiscoverySource, { step: string; found: string }> = {
  shipped: { step: 'Known providers', found: 'known provider' },
  pacc: { step: 'PACC document', found: 'published by the domain over https' },
  autoconfig: { step: 'Autoconfig document', found: 'published by the domain over https' },
  well_known: { step: 'Document on its website', found: 'published by the domain over https' },
  autodiscover: { step: 'Autodiscover', found: 'published by the domain over https' },
  srv: { step: 'DNS service records', found: 'named by DNS' },
  mx: { step: 'MX records', found: 'by its MX records' },
  guess: { step: 'Common host names', found: 'a server with a common name responds' },
}

export const stepTones: Record<DiscoveryStep['state'], Tone> = {
  pending: 'busy',
  found: 'good',
  nothing: 'unknown',
  failed: 'warn',
  skipped: 'unknown',
}

export function settingsTitle({ provider, imap }: DiscoveredSettings): string {
  return provider ? `${provider} (${imap.host})` : imap.host
}

export function foundBy({ source, confirmed_by: others }: DiscoveredSettings): string {
  const words = [source, ...others].map(each => sourceWords[each].found)
  return [...new Set(words)].join('; ')
}
