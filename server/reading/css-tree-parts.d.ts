/**
 * The submodules of css-tree in use; its types only cover the main module, which also loads tables of every CSS
 * property.
 */
declare module 'css-tree/parser' {
  export { parse as default } from 'css-tree'
}
declare module 'css-tree/generator' {
  export { generate as default } from 'css-tree'
}
declare module 'css-tree/walker' {
  import type { find, walk as walkAll } from 'css-tree'

  const walk: typeof walkAll & { find: typeof find }
  export default walk
}
