/** /api/dashboard/tokens. */
import { tokensApi } from '../../contract/tokens.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import { endedRefs } from '../users/user-actions.ts'
import type { TokenService } from './token-service.ts'

export function tokenRoutes(http: HttpServer, tokens: TokenService): void {
  handle(http, tokensApi.listTokens, async ({ principal }) => ({ items: await tokens.list(principal) }))
  handle(http, tokensApi.createToken, async call => {
    const created = await tokens.create(call.principal, call.body)
    call.note({ token_id: created.info.id })
    return created
  })
  handle(http, tokensApi.changeToken, ({ principal, params, body }) => tokens.change(principal, params.token_id, body))
  handle(http, tokensApi.rotateToken, ({ principal, params }) => tokens.rotate(principal, params.token_id))
  handle(http, tokensApi.revokeToken, async call => {
    const ended = await tokens.revoke(call.principal, call.params.token_id, call.query.end_made === 'true')
    call.note(endedRefs(ended))
    return undefined
  })
  handle(http, tokensApi.listMadeByToken, async ({ principal, params }) => ({
    items: await tokens.listMade(principal, params.token_id),
  }))
}
