/** The same texts in SQLite and in PostgreSQL. */
import { onEachIndex } from '../../test/support/index-world.ts'
import { textBlocksSuite } from './text-blocks.suite.ts'

onEachIndex(textBlocksSuite)
