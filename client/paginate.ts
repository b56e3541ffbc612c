/** Reads lists of many pages, one after the other as they are asked for. */
import type { CallOptions } from './call-types.ts'

interface Page<Item> {
  items: readonly Item[]
  next_cursor: string | null
}

/** Each item of a list. The next page is requested when the items of the one before are used up. */
export async function* paginate<Params extends { cursor?: string | undefined }, Item>(
  method: (params: Params, options?: CallOptions) => Promise<Page<Item>>,
  params: Params,
  options: CallOptions = {},
): AsyncGenerator<Item, void, undefined> {
  for (let cursor = params.cursor; ; ) {
    const page = await method(cursor === undefined ? params : { ...params, cursor }, options)
    yield* page.items
    if (page.next_cursor === null) return
    if (page.next_cursor === cursor) throw new Error('the list goes on with the same page')
    cursor = page.next_cursor
  }
}
