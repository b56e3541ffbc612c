/** The same promises in SQLite and in PostgreSQL. */
import { onEachIndex } from '../../test/support/index-world.ts'
import { indexStoreSuite } from './index-store.suite.ts'

onEachIndex(indexStoreSuite)
