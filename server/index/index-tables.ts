/** The tables of an index as Kysely sees them: the same on SQLite and PostgreSQL. Each part adds its own (`declare module`). */
import type { Kysely } from 'kysely'

// biome-ignore lint/suspicious/noEmptyInterface: it is filled by those that own the tables
export interface IndexTables {}

/** One account's file with SQLite, the schema `mail_index` of all accounts with PostgreSQL. Used on the index's threads alone. */
export type IndexDatabase = Kysely<IndexTables>
