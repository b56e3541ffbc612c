/** /api/dashboard/accounts, /api/v1/accounts and the sandbox. */
import { accountHealthApi } from '../../contract/account-health.ts'
import { type Account, accountsApi } from '../../contract/accounts.ts'
import type { EventHub } from '../events/event-hub.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { AccountHealthService } from './account-health-service.ts'
import { toMailAccount } from './account-row.ts'
import { refuseNarrow } from './account-rules.ts'
import type { AccountService } from './account-service.ts'
import { stateHistory } from './state-history.ts'

interface AccountParts {
  accounts: AccountService
  health: AccountHealthService
  hub: Pick<EventHub, 'stateSigns'>
  /** Starts the throw-away mail server and connects its account. */
  startSandbox(): Promise<Account>
}

export function accountRoutes(http: HttpServer, { accounts, health, hub, startSandbox }: AccountParts): void {
  handle(http, accountsApi.listMailAccounts, async ({ principal }) => ({
    items: (await accounts.list(principal)).map(account => toMailAccount(principal, account)),
    next_cursor: null,
  }))
  handle(http, accountsApi.listAccounts, async ({ principal }) => ({
    items: await accounts.list(principal),
    next_cursor: null,
  }))
  handle(http, accountsApi.createAccount, async call => {
    const created = await accounts.create(call.principal, call.body, { verify: call.query.verify === 'true' })
    call.note({ account_id: created.id })
    return created
  })
  handle(http, accountsApi.getAccount, ({ principal, params }) => accounts.get(principal, params.account_id))
  handle(http, accountsApi.listAccountStates, async ({ principal, params }) => {
    const account = await accounts.get(principal, params.account_id)
    return stateHistory(hub.stateSigns(account.id), account, Date.now())
  })
  handle(http, accountsApi.updateAccount, ({ principal, params, body, query }) =>
    accounts.update(principal, params.account_id, body, { verify: query.verify === 'true' }),
  )
  handle(http, accountsApi.deleteAccount, ({ principal, params }) => accounts.delete(principal, params.account_id))
  handle(http, accountsApi.verifyAccount, ({ principal, params }) => accounts.verify(principal, params.account_id))
  handle(http, accountHealthApi.listAccountErrors, async ({ principal, params }) => ({
    items: await health.listErrors(principal, params.account_id),
  }))
  handle(http, accountHealthApi.reconnectAccount, ({ principal, params }) =>
    health.reconnect(principal, params.account_id),
  )
  handle(http, accountsApi.startSandbox, ({ principal }) => {
    refuseNarrow(principal, 'Starting the sandbox')
    return startSandbox()
  })
}
