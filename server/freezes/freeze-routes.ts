/** /api/dashboard/freeze. */
import { freezesApi } from '../../contract/freezes.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { FreezeService } from './freeze-service.ts'

export function freezeRoutes(http: HttpServer, freezes: FreezeService): void {
  handle(http, freezesApi.freeze, async call => {
    const { principal, account_id, everything } = call.body
    call.note({
      ...(principal && { principal }),
      ...(account_id && { account_id }),
      ...(everything && { everything: 'true' }),
    })
    const freeze = await freezes.freeze(call.principal, call.body)
    call.note({ freeze_id: freeze.id, reads: freeze.reads })
    return freeze
  })
  handle(http, freezesApi.listFreezes, async ({ principal, query }) => ({
    items: await freezes.list(principal, query.active === 'true'),
    next_cursor: null,
  }))
  handle(http, freezesApi.liftFreeze, async ({ principal, params }) => {
    await freezes.lift(principal, params.freeze_id)
    return undefined
  })
}
