/** What a thread of the index writes as the API says it: its program loads this. */
export { hitWriter } from './hit-writer.ts'
export { pageWriter } from './page-writer.ts'
