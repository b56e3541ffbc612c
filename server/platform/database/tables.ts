/**
 * Kysely types of all tables: text, integers, reals and bytes only, the same on SQLite and PostgreSQL. Each feature
 * adds its own in its `*-tables.ts` (`declare module`), so that this file knows none of them.
 */
// biome-ignore lint/suspicious/noEmptyInterface: it is filled by the features
export interface Tables {}
