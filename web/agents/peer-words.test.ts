/** The name of an agent that sends none, or an unreadable one. */
import { expect, test } from 'vitest'
import { peerName } from './peer-words.ts'

test.each([
  ['inbox-zero', 'node', 'inbox-zero'],
  [null, 'python-httpx/0.28.1', 'Unknown client (python-httpx 0.28)'],
  [null, '', 'Unknown client'],
  ['\u202eevil', 'node', '\ufffdevil'],
])('%j with %j is %s', (client_name, user_agent, words) => expect(peerName({ client_name, user_agent })).toBe(words))
