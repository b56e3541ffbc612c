/** Runs the suite of messages without a text on SQLite and PostgreSQL. */
import { onEachIndex } from '../../test/support/index-world.ts'
import { indexGapsSuite } from './index-gaps.suite.ts'

onEachIndex(indexGapsSuite)
