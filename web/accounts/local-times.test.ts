/** Times in a diagnosis are formatted as on the rest of the page; all other text stays the same. */
import { expect, test } from 'vitest'
import { formatDateTime } from '../platform/format.ts'
import { withLocalTimes } from './local-times.ts'

test('each time in a sentence is written as everywhere on the page', () => {
  const [one, other] = ['2026-11-30T02:57:17.858Z', '2026-12-01T10:00:00Z']
  const shown = [one, other].map(at => formatDateTime(Date.parse(at)))
  expect(withLocalTimes(`Refused at ${one}, and again at ${other}.`)).toBe(
    `Refused at ${shown[0]}, and again at ${shown[1]}.`,
  )
  expect(withLocalTimes('mail-2026-11-30.example.org: 02:57')).toBe('mail-2026-11-30.example.org: 02:57')
})
