/** The two URLs of sign-in through a provider: out to it, and back from it. Both respond only with redirects. */
import { OidcSignInQuery } from '../../contract/access.ts'
import { type Entrance, enter } from '../access/enter.ts'
import { handleRaw } from '../platform/http/http-raw.ts'
import type { HttpServer } from '../platform/http/http-server.ts'
import { loginLifeMs } from './oidc-login-table.ts'
import { OidcRefusal } from './oidc-refusal.ts'
import { callbackPath, type OidcService, startPath } from './oidc-service.ts'

/** The query parameter with a code of `oidcRefusals`, which the page explains. */
const faultName = 'sign_in_error'

type Reply = Parameters<Parameters<typeof handleRaw>[3]>[1]

export function oidcRoutes(http: HttpServer, oidc: OidcService, sessions: Entrance['sessions']): void {
  const cookieName = http.isHttps ? '__Host-rustymail_oidc' : 'rustymail_oidc'
  // Lax, since the provider redirects back from another site.
  const cookie = { path: '/', httpOnly: true, sameSite: 'lax', secure: http.isHttps } as const

  handleRaw(
    http,
    { path: startPath, query: OidcSignInQuery },
    { name: 'beginOidcSignIn', scope: 'public', effect: 'read', limit: 'sign_in' },
    async (call, reply) => {
      reply.header('cache-control', 'no-store')
      try {
        const { url, key } = await oidc.begin(call.query.return, call.caller.address)
        return reply.setCookie(cookieName, key, { ...cookie, maxAge: loginLifeMs / 1000 }).redirect(url.href)
      } catch (error) {
        return refuse(error, reply)
      }
    },
  )

  handleRaw(
    http,
    { path: callbackPath, query: 'as_sent' },
    { name: 'finishOidcSignIn', scope: 'public', effect: 'write', limit: 'sign_in' },
    async (call, reply) => {
      reply.header('cache-control', 'no-store')
      const { url } = reply.request
      try {
        const from = { address: call.caller.address, userAgent: call.caller.userAgent }
        const { session, returnTo } = await oidc.finish(queryOf(url), call.cookie(cookieName), from)
        reply.clearCookie(cookieName, cookie)
        await enter(call, session, sessions)
        return reply.redirect(returnTo)
      } catch (error) {
        return refuse(error, reply)
      }
    },
  )
}

/** Redirects the browser to the page that it wanted, since the caller is no program; the trail records the refusal. */
function refuse(error: unknown, reply: Reply): Reply {
  if (!(error instanceof OidcRefusal)) throw error
  reply.request.outcomeCode = error.code
  const base = 'http://here.invalid'
  const page = new URL(error.returnTo, base)
  page.searchParams.set(faultName, error.code)
  return reply.redirect(page.href.slice(base.length))
}

function queryOf(url: string): URLSearchParams {
  const at = url.indexOf('?')
  return new URLSearchParams(at < 0 ? '' : url.slice(at))
}
