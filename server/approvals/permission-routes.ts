/** /api/v1/permission-prompts: permissions that agents ask for in their own programs, and the decisions of humans. */
import { permissionPromptsApi } from '../../contract/permission-prompts.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { PermissionPrompts } from './permission-prompts.ts'

export function permissionRoutes(http: HttpServer, prompts: PermissionPrompts): void {
  handle(http, permissionPromptsApi.listPermissionPrompts, ({ principal }) => ({ items: prompts.list(principal) }))
  handle(http, permissionPromptsApi.openPermissionPrompt, call => {
    const prompt = prompts.open(call.principal, call.body)
    call.note({ prompt_id: prompt.id, tool: prompt.tool_name })
    return prompt
  })
  handle(http, permissionPromptsApi.getPermissionPrompt, async ({ principal, params, query, signal }) => ({
    state: await prompts.wait(principal, params.prompt_id, query.wait_s * 1_000, signal),
  }))
  handle(http, permissionPromptsApi.cancelPermissionPrompt, ({ principal, params }) =>
    prompts.cancel(principal, params.prompt_id),
  )
  handle(http, permissionPromptsApi.decidePermissionPrompt, call => {
    const { state, asked } = prompts.decide(call.principal, call.params.prompt_id, call.body.behavior)
    call.note({ state, tool: asked.tool_name, asks: asked.asks.name })
    return { state }
  })
}
