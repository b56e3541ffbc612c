/** Extracts a request's credentials and the name of its work session. */

import type { IncomingHttpHeaders } from 'node:http'
import { fastifyCookie } from '@fastify/cookie'
import { sessionHeaderName, WorkSession } from '../../../contract/work-session.ts'
import type { Principal } from '../principal.ts'
import { badInput } from '../problem.ts'

export interface Credentials {
  token: string | undefined
  sessionCookie: string | undefined
  /** The caller's address. */
  address: string
  /** Set for an operation that accepts access tokens: the origin for which they must be issued. */
  audience?: string | undefined
}

interface Headers {
  authorization?: string | undefined
  'x-api-key'?: string | string[] | undefined
  cookie?: string | undefined
}

/** Returns the cookie's name: `__Host-` binds it to this host and to TLS, and is accepted by browsers only over TLS. */
export function sessionCookieName(isHttps: boolean): string {
  return isHttps ? '__Host-rustymail_session' : 'rustymail_session'
}

export function cookieIn({ cookie }: Headers, name: string): string | undefined {
  return cookie ? fastifyCookie.parse(cookie)[name] : undefined
}

/** Extracts credentials; undefined if there are none. */
export function credentialsOf(headers: Headers, isHttps: boolean, address: string): Credentials | undefined {
  const token = tokenOf(headers)
  const sessionCookie = cookieIn(headers, sessionCookieName(isHttps))
  return token || sessionCookie ? { token, sessionCookie, address } : undefined
}

function tokenOf(headers: Headers): string | undefined {
  const key = headers['x-api-key']
  if (typeof key === 'string' && key !== '') return key
  // Schemes are case-insensitive (RFC 9110, section 11.1).
  return /^bearer +(\S+)\s*$/i.exec(headers.authorization ?? '')?.[1]
}

const header = sessionHeaderName.toLowerCase()

/** Returns the principal with the work session named in the headers. @throws Problem for an invalid name */
export function inWorkSession(principal: Principal, headers: IncomingHttpHeaders): Principal {
  const value = headers[header]
  if (value === undefined) return principal
  const name = WorkSession.safeParse(value)
  if (name.success) return { ...principal, workSession: name.data }
  throw badInput(`header.${header}`, 'must be 1–64 visible ASCII characters')
}
