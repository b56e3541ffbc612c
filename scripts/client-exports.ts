/** The package's exports for programs. */
export const clientExports = { './client': { types: './client/index.d.ts', default: './client/index.js' } } as const
