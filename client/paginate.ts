/** Iterates over paginated lists, requesting pages on demand. */
import type { CallOptions } from './call-types.ts'

interface Page<Item> {
  items: readonly Item[]
  next_cursor: string | null
}

/** Yields each item of a list; requests the next page once the current one is consumed. */
export async function* paginate<Params extends { cursor?: string | undefined }, Item>(
  method: (params: Params, options?: CallOptions) => Promise<Page<Item>>,
  params: Params,
  options: CallOptions = {},
): AsyncGenerator<Item, void, undefined> {
  for (let cursor = params.cursor; ; ) {
    const page = await method(cursor === undefined ? params : { ...params, cursor }, options)
    yield* page.items
    if (page.next_cursor === null) return
    if (page.next_cursor === cursor) throw new Error('the server returned the same cursor twice')
    cursor = page.next_cursor
  }
}
