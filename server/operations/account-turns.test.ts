/** AccountTurns: an account's turns come in the order in which they began, whatever each of them waits for. */
import { expect, test } from 'vitest'
import { AccountTurns } from './account-turns.ts'

function setUp() {
  const turns = new AccountTurns()
  const came: string[] = []
  const begin = (name: string, ...accounts: string[]) => {
    const turn = turns.begin(accounts)
    turn.come().then(() => came.push(name))
    return turn
  }
  const soon = async () => {
    await new Promise(setImmediate)
    return came.splice(0)
  }
  return { begin, soon }
}

test('the first one does not wait, and each further one waits for those before it', async () => {
  const { begin, soon } = setUp()
  const [one, two] = [begin('one', 'a'), begin('two', 'a')]
  begin('three', 'a')
  expect(await soon()).toEqual(['one'])
  one.end()
  one.end()
  expect(await soon()).toEqual(['two'])
  two.end()
  expect(await soon()).toEqual(['three'])
})

test('one that gives up before its turn lets no other pass those before it', async () => {
  const { begin, soon } = setUp()
  const one = begin('one', 'a')
  begin('two', 'a').end()
  begin('three', 'a')
  expect(await soon()).toEqual(['one'])
  one.end()
  expect(await soon()).toEqual(['two', 'three'])
})

test('accounts do not wait for each other, but for what concerns both', async () => {
  const { begin, soon } = setUp()
  const [one, both] = [begin('one', 'a'), begin('both', 'a', 'b', 'b')]
  begin('of b', 'b')
  begin('of c', 'c')
  expect(await soon()).toEqual(['one', 'of c'])
  one.end()
  expect(await soon()).toEqual(['both'])
  both.end()
  expect(await soon()).toEqual(['of b'])
  begin('later', 'a')
  expect(await soon()).toEqual(['later'])
})
