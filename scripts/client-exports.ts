/** What programs may import from the package. */
export const clientExports = { './client': { types: './client/index.d.ts', default: './client/index.js' } } as const
