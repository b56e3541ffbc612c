/** Which callers are accepted, and what is rejected. */
import { expect } from './report.mjs'

/** Answers whether strangers are kept out: where they are not, nothing else matters. */
export async function checkDoor({ report, caller }) {
  let isOpen = false
  const refuses = async headers => {
    const answer = await caller.get('', headers, { isStranger: true })
    isOpen ||= answer.statusCode === 200
    await caller.expectProblem(answer, 401)
  }
  await report.checkAll([
    ['a stranger is refused with 401 and a problem', () => refuses({})],
    [
      'a wrong token is refused with 401 and a problem',
      () => refuses({ authorization: 'Bearer not-a-token-of-yours' }),
    ],
  ])
  return !isOpen
}

export async function checkRequests({ report, caller, token }) {
  const refuses = async (query, named = '') => {
    const { detail } = await caller.expectProblem(await caller.get(query), 400)
    expect(detail.includes(named), `the detail does not name ${named}: ${detail}`)
  }
  const secrets = ['token', 'access_token', 'api_key', 'key', 'anything_else']
  await report.checkAll([
    [
      'HEAD answers the headers and no body',
      async () => {
        const answer = await caller.head()
        expectHead(answer)
        expect(answer.body === '', `it had a body: ${JSON.stringify(answer.body.slice(0, 80))}`)
      },
    ],
    [
      'the token may come as X-API-Key, and the scheme in any case',
      async () => {
        for (const headers of [{ 'x-api-key': token }, { authorization: `bearer ${token}` }]) {
          const { statusCode } = await caller.head(headers, true)
          expect(statusCode === 200, `status ${statusCode} with ${Object.keys(headers)}`)
        }
      },
    ],
    [
      'an unknown type is refused with 400 and a problem that names it, beside known ones too',
      async () => {
        for (const known of ['', 'client_connected,']) await refuses(`types=${known}no_such_type`, 'no_such_type')
      },
    ],
    [
      'a query that it does not know, such as a token, is refused with 400',
      async () => {
        for (const name of secrets) await refuses(`${name}=x`)
      },
    ],
    [
      'a last_event_id that is repeated or of more than 100 characters is refused with 400',
      async () => {
        await refuses('last_event_id=a-1&last_event_id=a-2')
        await refuses(`last_event_id=${'1'.repeat(101)}`)
      },
    ],
  ])
}

export function expectHead({ statusCode, headers }) {
  expect(statusCode === 200, `status ${statusCode}`)
  const type = headers['content-type']
  expect(/^text\/event-stream; ?charset=utf-8$/i.test(type), `content-type ${type}`)
  expect(/\bno-store\b/.test(headers['cache-control']), `cache-control ${headers['cache-control']}`)
  for (const name of ['content-encoding', 'content-length']) {
    expect(headers[name] === undefined, `${name} ${headers[name]}`)
  }
  // nginx obeys this one and keeps it to itself.
  const isTaken = /nginx/i.test(headers.server ?? '') && headers['x-accel-buffering'] === undefined
  expect(isTaken || headers['x-accel-buffering'] === 'no', 'no X-Accel-Buffering: no')
}
