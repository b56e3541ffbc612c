/** The same changes in SQLite and in PostgreSQL. */
import { onEachIndex } from '../../test/support/index-world.ts'
import { indexChangesSuite } from './index-changes.suite.ts'

onEachIndex(indexChangesSuite)
