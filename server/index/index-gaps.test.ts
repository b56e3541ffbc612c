/** The same gaps in SQLite and in PostgreSQL. */
import { onEachIndex } from '../../test/support/index-world.ts'
import { indexGapsSuite } from './index-gaps.suite.ts'

onEachIndex(indexGapsSuite)
