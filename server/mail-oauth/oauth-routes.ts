/** Providers, sign-ins and grants over REST, and the redirect URI at which browsers return from a provider. */
import { mailOAuthApi, oauthCallbackPath } from '../../contract/mail-oauth.ts'
import { handleRaw } from '../platform/http/http-raw.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { GrantView } from './grant-view.ts'
import type { OAuthProviders } from './oauth-providers.ts'
import type { OAuthSignIns } from './oauth-sign-ins.ts'

interface OAuthParts {
  providers: OAuthProviders
  signIns: OAuthSignIns
  grants: GrantView
}

export function oauthRoutes(http: HttpServer, { providers, signIns, grants }: OAuthParts): void {
  handle(http, mailOAuthApi.listOAuthProviders, async () => ({ items: await providers.list(), next_cursor: null }))
  handle(http, mailOAuthApi.setOAuthProvider, ({ principal, params, body }) =>
    providers.set(principal, params.provider_id, body),
  )
  handle(http, mailOAuthApi.deleteOAuthProvider, ({ principal, params }) =>
    providers.delete(principal, params.provider_id),
  )
  handle(http, mailOAuthApi.beginOAuthSignIn, async call => {
    const { provider, method, account_id } = call.body
    call.note({ provider, method, ...(account_id === undefined ? {} : { account_id }) })
    return signIns.begin(call.principal, call.body)
  })
  handle(http, mailOAuthApi.getOAuthSignIn, async ({ principal, params }) => signIns.get(principal, params.sign_in_id))
  handle(http, mailOAuthApi.cancelOAuthSignIn, async ({ principal, params }) =>
    signIns.cancel(principal, params.sign_in_id),
  )
  handle(http, mailOAuthApi.getAccountGrant, ({ principal, params }) => grants.get(principal, params.account_id))

  // The caller is a browser, not a program: it is redirected to a page that shows the result.
  handleRaw(
    http,
    { path: oauthCallbackPath, query: 'as_sent' },
    { name: 'finishMailSignIn', scope: 'public', effect: 'write', limit: 'sign_in' },
    async (call, reply) => {
      reply.header('cache-control', 'no-store')
      // The code is in this URL, and must not leak to other sites.
      reply.header('referrer-policy', 'no-referrer')
      const signIn = await signIns.finish(call.principal, new URL(reply.request.url, 'http://here.invalid'))
      if (!signIn) {
        reply.request.outcomeCode = 'oauth_sign_in_not_found'
        return reply.redirect('/accounts?sign_in=unknown')
      }
      const { id, accountId } = signIn
      if (accountId !== undefined) call.note({ account_id: accountId })
      const page = accountId === undefined ? '/accounts' : `/accounts/${accountId}`
      const isNew: Record<string, string> = accountId === undefined ? { connect: '1' } : {}
      return reply.redirect(`${page}?${new URLSearchParams({ ...isNew, sign_in: id })}`)
    },
  )
}
