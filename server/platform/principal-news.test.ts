import { expect, test } from 'vitest'
import { anonymous } from './principal.ts'
import { PrincipalNews } from './principal-news.ts'

test('everything that joined hears of a change and of a revocation, in the order of joining', () => {
  const news = new PrincipalNews()
  const heard: string[] = []
  for (const name of ['streams', 'exchanges']) {
    news.join({ changed: ({ id }) => heard.push(`${name} ${id}`), revoked: id => heard.push(`${name} -${id}`) })
  }
  news.changed(anonymous)
  news.revoked('token-1')
  expect(heard).toEqual(['streams anonymous', 'exchanges anonymous', 'streams -token-1', 'exchanges -token-1'])
})
