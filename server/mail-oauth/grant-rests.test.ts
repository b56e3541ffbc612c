/** The back-off of grants that could not be refreshed. */
import { expect, test } from 'vitest'
import { SteeredClock } from '../../test/support/rotating-provider.ts'
import { GrantRests } from './grant-rests.ts'
import type { OAuthGrantRow } from './oauth-tables.ts'

const row = (id: string, provider = 'google') => ({ id, provider, refresh_sealed: 'sealed' }) as OAuthGrantRow
const refused = new Error('refused')

function restsOf(names: readonly string[], provider?: string) {
  const rests = new GrantRests(new SteeredClock())
  for (const name of names) rests.note(row(name, provider), refused)
  const isResting = (name: string) => {
    try {
      rests.refuseAtRest(row(name))
      return false
    } catch {
      return true
    }
  }
  return { rests, isResting }
}

test('of more than 10,000 grants, those that failed longest ago are forgotten', () => {
  const names = Array.from({ length: 10_000 }, (_, number) => `g${number}`)
  const { rests, isResting } = restsOf(names)
  // Its failure is the newest now.
  rests.note(row('g0'), refused)
  rests.note(row('another'), refused)
  expect(['g0', 'g1', 'g2', 'g9999', 'another'].map(isResting)).toEqual([true, false, true, true, true])
})

test('a provider that has changed ends the rest of its own grants, and of no others', () => {
  const { rests, isResting } = restsOf(['a', 'b'])
  rests.note(row('m', 'microsoft'), refused)
  rests.forgetAllOf('google')
  expect(['a', 'b', 'm'].map(isResting)).toEqual([false, false, true])
})
