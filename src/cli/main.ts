import { join } from 'node:path'
import { loadFast } from './process/loadFast.ts'

// Said by the file that was started: a link that led to it may lead to another release a moment later.
process.env.SURETY_RELEASE = join(import.meta.dirname, '../..')

// What is loaded after this call is found and compiled faster; a static import would come before it.
loadFast()
await import('./commands.ts')
