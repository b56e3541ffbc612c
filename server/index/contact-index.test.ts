/** The same people in SQLite and in PostgreSQL. */
import { onEachIndex } from '../../test/support/index-world.ts'
import { contactIndexSuite } from './contact-index.suite.ts'

onEachIndex(contactIndexSuite)
