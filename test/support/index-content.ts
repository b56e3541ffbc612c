/** Reads the content of an index from its files while the server is stopped. */
import { join } from 'node:path'
import { IndexThreads } from '../../server/index/index-threads.ts'
import type { FolderContent } from './mailbox-chaos.ts'

export async function indexContent(dataDir: string, accountId: string): Promise<Map<string, FolderContent>> {
  const threads = new IndexThreads({ home: { dir: join(dataDir, 'index') }, damaged: () => undefined })
  try {
    const index = threads.of(accountId)
    const folders = new Map<string, FolderContent>()
    for (const { path } of await index.listFolders()) {
      const { messages } = await index.listMessages({ path, limit: 1_000 })
      const places = messages.flatMap(message => message.places.filter(place => place.path === path))
      folders.set(path, new Map(places.map(({ uid, flags }) => [uid, flags.toSorted()])))
    }
    return folders
  } finally {
    await threads.close()
  }
}
