/** Which addresses are those of a push service. */
import { expect, test } from 'vitest'
import { knownPushServices, PushServices } from './push-services.ts'

const services = new PushServices([...knownPushServices, 'push.example.org:8443'])
const codeOf = (endpoint: string) => {
  try {
    return services.check(endpoint).host
  } catch (error) {
    return (error as { code: string }).code
  }
}

test.each([
  ['https://fcm.googleapis.com/fcm/send/abc', 'fcm.googleapis.com'],
  ['https://fcm.googleapis.com:443/fcm/send/abc', 'fcm.googleapis.com'],
  ['https://updates.push.services.mozilla.com/wpush/v2/abc', 'updates.push.services.mozilla.com'],
  ['https://wns2-par02p.notify.windows.com/w/?token=x', 'wns2-par02p.notify.windows.com'],
  ['https://web.push.apple.com/abc', 'web.push.apple.com'],
  ['https://push.example.org:8443/abc', 'push.example.org:8443'],
  ['https://FCM.GOOGLEAPIS.COM/x', 'fcm.googleapis.com'],
  ['http://fcm.googleapis.com/x', 'bad_request'],
  ['https://me:secret@fcm.googleapis.com/x', 'bad_request'],
  ['ftp://fcm.googleapis.com/x', 'bad_request'],
  ['fcm.googleapis.com', 'bad_request'],
  ['https://fcm.googleapis.com:8443/x', 'address_refused'],
  ['https://push.example.org/x', 'address_refused'],
  ['https://fcm.googleapis.com.evil.example/x', 'address_refused'],
  ['https://evilpush.apple.com/x', 'address_refused'],
  ['https://push.apple.com/x', 'address_refused'],
  ['https://127.0.0.1/x', 'address_refused'],
  ['https://[::1]/x', 'address_refused'],
  ['https://localhost/x', 'address_refused'],
])('%s: %s', (endpoint, outcome) => {
  expect(codeOf(endpoint)).toBe(outcome)
})
