/** Compares this machine's clock with those of its mail servers, as far as they reveal it. No time server is asked. */
import { type Check, toCheck } from './check.ts'
import type { ServerDiagnosis } from './diagnose-server.ts'

const mostApartMs = 5 * 60_000
const advice = ['Set the clock of this machine, and have it kept by a time service (NTP).']

export function clockCheck(seen: readonly Pick<ServerDiagnosis, 'serverTime' | 'notBefore'>[], now: number): Check {
  const ours = ['This machine', new Date(now).toISOString()] as const
  const beginning = seen.find(({ notBefore }) => notBefore !== undefined)?.notBefore
  if (beginning) {
    const details = [ours, ['The certificate begins', beginning.toISOString()] as const]
    const words = 'The clock of this machine may be slow: a certificate is not valid yet by it.'
    return toCheck('account', 'clock', { state: 'warning', words, details, advice })
  }
  const told = seen.find(({ serverTime }) => serverTime !== undefined)?.serverTime
  if (told === undefined) {
    const words = 'None of its servers reveals its time. Time servers (NTP) are not asked.'
    return toCheck('account', 'clock', { state: 'skipped', words, details: [ours] })
  }
  const details = [ours, ['SMTP server', new Date(told).toISOString()] as const]
  const apart = Math.abs(told - now)
  if (apart <= mostApartMs) {
    return toCheck('account', 'clock', {
      state: 'ok',
      words: 'The clocks of this machine and of the SMTP server agree.',
      details,
    })
  }
  const words = `The clocks of this machine and of the SMTP server are ${Math.round(apart / 60_000)} minutes apart.`
  return toCheck('account', 'clock', { state: 'warning', words, details, advice })
}
