/** The same in SQLite and in PostgreSQL. */
import { onEachIndex } from '../../test/support/index-world.ts'
import { fixedStatementSuite } from './fixed-statement.suite.ts'

onEachIndex(fixedStatementSuite)
