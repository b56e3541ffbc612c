/** Permission prompts of agents: a program that runs an agent asks a human whether the agent may use one of its tools. Only for as long as its session runs. */
import { z } from 'zod'
import { ActingPrincipal } from './draft.ts'
import { endpoint } from './endpoint.ts'
import { secret, Timestamp, wholeOr } from './wire.ts'

export const PermissionPromptId = z
  .string()
  .regex(/^q[0-9a-z]{16}$/, 'is not the id of a permission prompt')
  .meta({ examples: ['q01k5r9w2m3c7x4aq'] })

export const permissionBounds = { tool: 200, words: 1_000, waitSeconds: 25 } as const

const words = (most: number) => z.string().max(most)
const asked = {
  tool_name: words(permissionBounds.tool).min(1).describe('Name of the tool, as given by the program'),
  description: words(permissionBounds.words).describe('Description in the agent’s words'),
  input_preview: words(permissionBounds.words).describe('Beginning of the input of the call'),
}

export const PermissionPromptState = z
  .enum(['waiting', 'allowed', 'denied', 'expired', 'cancelled'])
  .describe('`cancelled`: its session has ended')
export type PermissionPromptState = z.infer<typeof PermissionPromptState>

export const PermissionPrompt = z
  .object({ id: PermissionPromptId, asks: ActingPrincipal, ...asked, created_at: Timestamp, expires_at: Timestamp })
  .meta({ id: 'PermissionPrompt' })
export type PermissionPrompt = z.infer<typeof PermissionPrompt>

const tag = 'Approvals'
const path = '/api/v1/permission-prompts'
const one = z.object({ prompt_id: PermissionPromptId })

export const permissionPromptsApi = {
  listPermissionPrompts: endpoint({
    method: 'GET',
    path,
    tag,
    summary: 'List the permission prompts that you may decide, oldest first',
    description: 'Prompts of your own tokens; for administrators also those of programs without a token.',
    callers: 'session',
    scope: 'signed_in',
    effect: 'read',
    response: z.object({ items: z.array(PermissionPrompt) }),
    problems: ['session_needed'],
  }),
  openPermissionPrompt: endpoint({
    method: 'POST',
    path,
    tag,
    summary: 'Ask a human whether an agent may use a tool',
    description: 'For tokens and the API key. The prompt is withdrawn when its state was not polled for a minute.',
    scope: 'signed_in',
    effect: 'write',
    body: z.strictObject({
      ...asked,
      description: secret(asked.description),
      input_preview: secret(asked.input_preview),
    }),
    response: PermissionPrompt,
    status: 201,
    problems: ['forbidden', 'too_many_requests'],
  }),
  getPermissionPrompt: endpoint({
    method: 'GET',
    path: `${path}/{prompt_id}`,
    tag,
    summary: 'Get the state of a permission prompt, for the program that asked',
    scope: 'signed_in',
    effect: 'read',
    params: one,
    query: z.strictObject({
      wait_s: wholeOr(0, 0, permissionBounds.waitSeconds).describe('How long to wait for the decision'),
    }),
    response: z.object({ state: PermissionPromptState }),
    problems: ['not_found'],
  }),
  cancelPermissionPrompt: endpoint({
    method: 'DELETE',
    path: `${path}/{prompt_id}`,
    tag,
    summary: 'Withdraw a permission prompt',
    scope: 'signed_in',
    effect: 'write',
    params: one,
    response: z.undefined(),
    status: 204,
    problems: ['not_found'],
  }),
  decidePermissionPrompt: endpoint({
    method: 'POST',
    path: `${path}/{prompt_id}/decide`,
    tag,
    summary: 'Allow or deny an agent’s permission prompt, once',
    description: 'Users only.',
    callers: 'session',
    scope: 'signed_in',
    effect: 'write',
    params: one,
    body: z.strictObject({ behavior: z.enum(['allow', 'deny']) }),
    response: z.object({ state: PermissionPromptState }),
    problems: ['session_needed', 'not_found'],
  }),
}

export const permissionStates = {
  permission_prompts: { scope: 'mail:draft', data: z.object({ at: Timestamp }) },
} as const
