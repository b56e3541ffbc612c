/** Absolute units of length (CSS Values 4, section 6.2). */

/** Pixels per unit. */
export const absolutePixels = { px: 1, pt: 4 / 3, pc: 16, in: 96, cm: 37.8, mm: 3.78, q: 0.94 } as const
