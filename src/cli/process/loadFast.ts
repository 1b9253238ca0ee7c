import { enableCompileCache, registerHooks } from 'node:module'
import { join } from 'node:path'

/**
 * Halves the time that a process takes to start: what is loaded after this call is compiled once and kept in
 * node_modules/.cache (where that cannot be written, nothing is kept), and drizzle-orm is loaded as CommonJS. Node reads
 * the exports in a package's package.json again for each ES module of it, and drizzle-orm has hundreds of both.
 */
export function loadFast(): void {
  enableCompileCache(join(import.meta.dirname, '../../../node_modules/.cache/compiled'))
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'drizzle-orm' || specifier.startsWith('drizzle-orm/')
        ? next(specifier, { ...context, conditions: ['node', 'require', 'default'] })
        : next(specifier, context),
  })
}
