/** What a server of HTTP asks about each request, and whom it tells: each of them decides for itself. */
import type { Stops } from '../guard.ts'
import type { Principal } from '../principal.ts'
import type { Problem } from '../problem.ts'
import type { Shown } from '../shown.ts'
import type { Tracer } from '../tracing/tracer.ts'
import type { Credentials } from './http-credentials.ts'
import type { HttpLimits } from './http-limits.ts'
import type { Origins } from './http-origin.ts'
import type { RequestOutcome, Trail } from './http-outcome.ts'
import type { WrongCredentials } from './wrong-credentials.ts'

/** What decides about requests, and what is notified of them. */
export interface HttpJudges {
  authenticate(credentials: Credentials): Promise<Principal | undefined> | Principal | undefined
  /** Hears of each finished request; must not throw. */
  observe(outcome: RequestOutcome): void
  origins: Origins
  /** Without them, there are no limits. */
  limits?: HttpLimits
  /** Without it, one may guess at keys. */
  wrongCredentials?: Pick<WrongCredentials, 'note'>
  trail?: Trail
  /** Without it, nothing is ever stopped. */
  stops?: Stops
  /** Hears what programs are shown. */
  shown?: Shown
  /** What `WWW-Authenticate` says to callers of operations that take access tokens. */
  challenge?: (refused: RefusedCall) => string | undefined
  /** Without it, nothing is traced. */
  tracer?: Tracer | undefined
}

export interface RefusedCall {
  problem: Problem
  /** Of this server, as the caller reached it. */
  origin: string
  principal: Principal
  hasCredentials: boolean
}
