/** The policies that the HTTP server consults about requests, and its observers. */
import type { Stops } from '../guard.ts'
import type { Principal } from '../principal.ts'
import type { Problem } from '../problem.ts'
import type { HttpLimits } from '../rate-limits.ts'
import type { Shown } from '../shown.ts'
import type { Tracer } from '../tracing/tracer.ts'
import type { Credentials } from './http-credentials.ts'
import type { Origins } from './http-origin.ts'
import type { RequestOutcome, Trail } from './http-outcome.ts'
import type { WrongCredentials } from './wrong-credentials.ts'

/** Decides about requests, or is notified of them. */
export interface HttpJudges {
  authenticate(credentials: Credentials): Promise<Principal | undefined> | Principal | undefined
  /** Called with each finished request; must not throw. */
  observe(outcome: RequestOutcome): void
  /** Whether access tokens of connected clients are accepted, by operations that take them. Without it, never. */
  accessTokens?: { readonly isOn: boolean }
  origins: Origins
  /** Without them, there are no limits. */
  limits?: HttpLimits
  /** Without it, guessing keys is not limited. */
  wrongCredentials?: Pick<WrongCredentials, 'note'>
  trail?: Trail
  /** Without it, nothing is ever stopped. */
  stops?: Stops
  /** Called with what programs are shown. */
  shown?: Shown
  /** Returns `WWW-Authenticate` for operations that accept access tokens. */
  challenge?: (refused: RefusedCall) => string | undefined
  /** Without it, nothing is traced. */
  tracer?: Tracer | undefined
}

export interface RefusedCall {
  problem: Problem
  /** Origin of this server, as the caller reached it. */
  origin: string
  principal: Principal
  hasCredentials: boolean
}
