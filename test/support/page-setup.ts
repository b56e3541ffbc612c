/** Before all tests: builds the page once when it is stale, so that the servers of the journeys need not, all at the same time. */
import { join } from 'node:path'
import { buildPageWhenStale } from '../../server/platform/page-build.ts'

export default async function setup(): Promise<void> {
  await buildPageWhenStale(join(import.meta.dirname, '../..'))
}
