/** Every page of the rail has a unique letter, and every letter leads to a page. */
import { expect, test } from 'vitest'
import { goKeys, inboxKey, keyOfPage, labelOfPage, pageOfKey } from './go-keys.ts'
import { destinations } from './navigation.ts'

test('every page has one letter, and no letter leads nowhere', () => {
  const pages = [...destinations.map(({ href }) => href), '/profile']
  expect(Object.values(goKeys).toSorted()).toEqual(pages.toSorted())
  expect(Object.keys(goKeys).filter(key => !/^[a-z]$/.test(key))).toEqual([])
  expect([pageOfKey('m'), keyOfPage('/mail'), labelOfPage('/mail')]).toEqual(['/mail', 'm', 'Mail'])
  expect([goKeys[inboxKey], pageOfKey(inboxKey)]).toEqual([undefined, '/mail'])
  expect(['z', 'constructor', '__proto__'].map(pageOfKey)).toEqual([undefined, undefined, undefined])
})
