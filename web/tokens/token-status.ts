/** How the status of a token is shown. */
import type { ApiToken } from '../../contract/tokens.ts'
import type { Tone } from '../ui/tone.ts'

export const tokenStatusWords: Record<ApiToken['status'], { tone: Tone; text: string }> = {
  active: { tone: 'good', text: 'Active' },
  expired: { tone: 'warn', text: 'Expired' },
  suspended: { tone: 'unknown', text: 'Suspended' },
}
