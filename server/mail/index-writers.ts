/** Writers of API responses for the index threads, whose program loads this module. */
export { hitWriter } from './hit-writer.ts'
export { pageWriter } from './page-writer.ts'
