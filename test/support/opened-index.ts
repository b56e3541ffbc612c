/** An open index with folders, and the queries that tests make. */
import type { FolderBatch, IndexedMessage, OutgoingFact } from '../../server/index/index-types.ts'
import { folder, type IndexWorld, type TestedIndex } from './index-world.ts'

export async function openedIndex(
  world: IndexWorld,
  paths: readonly string[],
): Promise<TestedIndex & ReturnType<typeof callsOf>> {
  const index = await world.open()
  await index.use(store =>
    store.applyFolders(
      paths.map(path => folder(path)),
      1,
    ),
  )
  return { ...index, ...callsOf(index) }
}

export function callsOf({ use }: TestedIndex) {
  return {
    apply: (batch: Partial<FolderBatch> & { path: string }) =>
      use(store => store.applyBatch({ uidValidity: 7, announces: false, ...batch }, 1)),
    list: async (path: string): Promise<IndexedMessage[]> =>
      (await use(store => store.listMessages({ path, limit: 100 }))).messages,
    facts: (): Promise<OutgoingFact[]> => use(store => store.listOutgoing(0, 1_000)),
  }
}

export const ids = (messages: IndexedMessage[]) => messages.map(({ id }) => id)
export const uids = (messages: IndexedMessage[]) => messages.map(({ places }) => places[0]!.uid)

export function never(): never {
  throw new Error('nothing was added')
}
