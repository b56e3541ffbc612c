/** The name that a caller gives its run, from the header of a request. */
import type { IncomingHttpHeaders } from 'node:http'
import { sessionHeaderName, WorkSession } from '../../../contract/work-session.ts'
import type { Principal } from '../principal.ts'
import { Problem } from '../problem.ts'

const header = sessionHeaderName.toLowerCase()

/** The principal as it acts in this request. @throws Problem for a name that is none. */
export function inWorkSession(principal: Principal, headers: IncomingHttpHeaders): Principal {
  const value = headers[header]
  if (value === undefined) return principal
  const name = WorkSession.safeParse(value)
  if (name.success) return { ...principal, workSession: name.data }
  const message = 'must be 1–64 visible ASCII characters'
  throw new Problem('bad_request', `${sessionHeaderName}: ${message}`, { errors: [{ path: header, message }] })
}
