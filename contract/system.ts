/** Health for orchestrators: alive, and ready to serve. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'

export const Readiness = z
  .object({
    status: z.enum(['ready', 'degraded', 'not_ready']),
    parts: z.object({
      database: z.object({ ok: z.boolean(), detail: z.string() }),
      accounts: z.object({
        ok: z
          .boolean()
          .nullable()
          .describe(
            'False while an enabled account that you may see is not ready; the server itself still serves. Null without the scope `dashboard:read`, and while the database does not respond',
          ),
        detail: z.string(),
        ready: z.int().nullable().describe('Number of ready accounts; null likewise'),
        total: z.int().nullable().describe('Number of enabled accounts; null likewise'),
      }),
    }),
  })
  .meta({ id: 'Readiness' })
export type Readiness = z.infer<typeof Readiness>

const tag = 'Health'
export const systemApi = {
  live: endpoint({
    method: 'GET',
    path: '/health/live',
    tag,
    summary: 'Liveness: the process is alive',
    scope: 'public',
    effect: 'read',
    response: z.object({ status: z.literal('live') }),
    uncounted: true,
  }),
  ready: endpoint({
    method: 'GET',
    path: '/health/ready',
    tag,
    summary:
      'Readiness, with the part that is not ready; 503 if the database does not respond or accepts no writes, or the server is stopping',
    scope: 'public',
    effect: 'read',
    response: Readiness,
    alsoStatus: 503,
    uncounted: true,
  }),
}
