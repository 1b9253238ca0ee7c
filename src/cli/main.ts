import { loadFast } from './process/loadFast.ts'

// What is loaded after this call is found and compiled faster; a static import would come before it.
loadFast()
await import('./commands.ts')
