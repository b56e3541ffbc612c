/** Where notifications are possible, and the text where they are not. */
import { expect, test } from 'vitest'
import { abilityOf, type BrowserFeatures } from './push-browser.ts'

const chrome: BrowserFeatures = {
  isSecure: true,
  hasPush: true,
  permission: 'default',
  userAgent: 'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36',
  touchPoints: 5,
  isInstalled: false,
}
const iphone = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Safari/604.1'
const mac = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15'

test.each([
  ['Chrome on a phone', {}, 'ready'],
  ['allowed before', { permission: 'granted' }, 'ready'],
  ['blocked', { permission: 'denied' }, 'blocked'],
  ['without HTTPS', { isSecure: false, hasPush: false, permission: undefined }, 'insecure'],
  ['without Web Push', { hasPush: false }, 'missing'],
  ['without notifications', { permission: undefined }, 'missing'],
  ['Safari on an iPhone', { userAgent: iphone, hasPush: false, permission: undefined }, 'install'],
  ['on the Home Screen of an iPhone', { userAgent: iphone, isInstalled: true }, 'ready'],
  ['on the Home Screen of an old iPhone', { userAgent: iphone, isInstalled: true, hasPush: false }, 'missing'],
  ['an iPad, which says it is a Mac', { userAgent: mac, hasPush: false, permission: undefined }, 'install'],
  ['Safari on a Mac', { userAgent: mac, touchPoints: 0 }, 'ready'],
] as const)('%s: %s', (_name, change, ability) => {
  expect(abilityOf({ ...chrome, ...change })).toBe(ability)
})
