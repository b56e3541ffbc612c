/** The principal as a client sees it, and the set-up session. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { Scope } from './scope.ts'

export const SessionView = z
  .object({
    principal: z.object({
      id: z.string(),
      name: z.string(),
      kind: z.enum(['session', 'api_key']),
      scopes: z.array(Scope),
    }),
    server: z.object({
      version: z.string(),
      demo: z.boolean().describe('Started with the sandbox mail server'),
      sandbox_running: z.boolean(),
    }),
  })
  .meta({ id: 'Session' })
export type SessionView = z.infer<typeof SessionView>

export const accessApi = {
  openSession: endpoint({
    method: 'POST',
    path: '/api/dashboard/session',
    tag: 'Access',
    summary: 'Open a session with the one-time set-up token',
    description: 'The token stands behind `#` in the printed set-up link and works once, within 30 minutes.',
    scope: 'public',
    effect: 'write',
    body: z.strictObject({ setup_token: z.string().min(1).max(200) }),
    response: SessionView,
    status: 201,
    problems: ['setup_token_invalid'],
  }),
  getSession: endpoint({
    method: 'GET',
    path: '/api/dashboard/session',
    tag: 'Access',
    summary: 'Who am I',
    scope: 'signed_in',
    effect: 'read',
    response: SessionView,
  }),
  closeSession: endpoint({
    method: 'DELETE',
    path: '/api/dashboard/session',
    tag: 'Access',
    summary: 'Sign out: end this session and its event streams',
    scope: 'signed_in',
    effect: 'write',
    response: z.undefined(),
    status: 204,
  }),
}
