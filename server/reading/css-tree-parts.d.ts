/** The parts of css-tree that are used; its types describe only the whole, which also loads tables of every CSS property. */
declare module 'css-tree/parser' {
  export { parse as default } from 'css-tree'
}
declare module 'css-tree/generator' {
  export { generate as default } from 'css-tree'
}
declare module 'css-tree/walker' {
  import type { find } from 'css-tree'

  const walk: { find: typeof find }
  export default walk
}
