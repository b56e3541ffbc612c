/** How often the database is asked: counted in the running server, so that it does not creep up. */
import type { KyselyPlugin, RootOperationNode } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { openDatabase } from '../../server/platform/database/database.ts'
import { runApp } from '../support/people.ts'
import { administrator } from '../support/signed-in.ts'
import { tempDir } from '../support/temp-dir.ts'

function tableOf(node: RootOperationNode): string {
  const [, table = 'other'] =
    /"table":\{"kind":"SchemableIdentifierNode","identifier":\{"kind":"IdentifierNode","name":"(\w+)"/.exec(
      JSON.stringify(node),
    ) ?? []
  return `${node.kind.replace('QueryNode', '').toLowerCase()} ${table}`
}

test('a sign-in reads its user once, and opens the session in one transaction', async () => {
  const dir = tempDir('statements')
  const asked: string[] = []
  const count: KyselyPlugin = {
    transformQuery: ({ node }) => {
      asked.push(tableOf(node))
      return node
    },
    transformResult: async ({ result }) => result,
  }
  const openCounted = (observer: Parameters<typeof openDatabase>[1]) =>
    openDatabase(`sqlite:${dir.path}/test.db`, observer).withPlugin(count)
  const { app, stop } = await runApp({ overrides: { openDatabase: openCounted } })
  onTestFinished(async () => {
    await stop()
    dir.remove()
  })
  const { email, password } = administrator
  asked.length = 0
  // The answer leaves when the trail has it.
  const answer = await fetch(app.address + api.access.openSession.path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password }),
  })
  expect(answer.status).toBe(201)
  const ofAccess = asked.filter(statement => /(users|sessions)$/.test(statement))
  expect(ofAccess).toEqual(['select users', 'delete sessions', 'update users', 'insert sessions', 'delete sessions'])
  // And the trail: what is over of it is read and moved in one transaction.
  expect(asked.filter(statement => /audit/.test(statement)).length).toBeLessThanOrEqual(4)
})
