import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findViolations } from './boundaries.ts'

const violations = (files: Record<string, string>): string[] =>
  findViolations(Object.entries(files).map(([path, text]) => ({ path, text })))

test('the lower layers may not import the upper ones', () => {
  const found = violations({
    'src/kernel/clock.ts': `import { pool } from '../data/pool.ts'`,
    'src/data/pool.ts': `import type { Clock } from '../kernel/clock.ts'`,
    'src/proof/runner.ts': `export { serve } from '../http/server.ts'`,
    'src/http/server.ts': `const later = await import('../cli/up.ts')`,
    'src/cli/up.ts': `import { serve } from '../http/server.ts'`,
  })
  assert.deepEqual(found, [
    'src/kernel/clock.ts:1: imports src/data/pool.ts; kernel may import nothing else of ours',
    'src/proof/runner.ts:1: imports src/http/server.ts; proof may import data, kernel',
    'src/http/server.ts:1: imports src/cli/up.ts; http may import modules, proof, data, kernel',
  ])
})

test('type imports count like any other between layers', () => {
  const found = violations({ 'src/kernel/a.ts': `\nexport type T = import('../proof/api.ts').Api` })
  assert.deepEqual(found, [
    'src/kernel/a.ts:2: imports src/proof/api.ts; kernel may import nothing else of ours',
  ])
})

test('a module reaches another only through its index and only when it needs it', () => {
  const index = `import { tenancy } from '../tenancy/index.ts'
    export const backup = defineModule({ name: 'backup', needs: { tenancy }, settings })`
  const files = {
    'src/modules/tenancy/index.ts': '',
    'src/modules/vault/index.ts': '',
    'src/modules/backup/index.ts': index,
    'src/modules/backup/allowed.ts': `import { resolve } from '../tenancy/index.ts'`,
    'src/modules/backup/deep.ts': `import { resolve } from '../tenancy/registry.ts'`,
    'src/modules/backup/unnamed.ts': `import { seal } from '../vault/index.ts'`,
  }
  assert.deepEqual(violations(files), [
    'src/modules/backup/deep.ts:1: imports src/modules/tenancy/registry.ts; another module is reached through src/modules/tenancy/index.ts',
    'src/modules/backup/unnamed.ts:1: imports the module vault, which src/modules/backup/index.ts does not name in needs',
  ])
})

test('a need under another name is still that module', () => {
  const index = `import { vault as keys } from '../vault/index.ts'
    export const backup = defineModule({ needs: { store: keys } })`
  assert.deepEqual(violations({ 'src/modules/backup/index.ts': index }), [])
})

test('modules in a circle are named', () => {
  const needing = (other: string): string =>
    `import { ${other} } from '../${other}/index.ts'\nexport const m = defineModule({ needs: { ${other} } })`
  const found = violations({
    'src/modules/a/index.ts': needing('b'),
    'src/modules/b/index.ts': needing('c'),
    'src/modules/c/index.ts': needing('a'),
  })
  assert.deepEqual(found, ['Circle of modules: a → b → c → a'])
})

test('an example uses the public face and its own files only', () => {
  const found = violations({
    'examples/festival/app.ts': `import { defineModule } from '../../src/index.ts'; import { artists } from './artists.ts'`,
    'examples/festival/artists.ts': `import { tenantTable } from '../../src/data/tenantTable.ts'`,
    'examples/other/app.ts': `import { artists } from '../festival/artists.ts'`,
  })
  assert.deepEqual(found, [
    'examples/festival/artists.ts:1: imports src/data/tenantTable.ts; examples may import face',
    'examples/other/app.ts:1: imports examples/festival/artists.ts; examples may import face',
  ])
})

test('the web takes only types from src, and only of the kernel and proof', () => {
  const found = violations({
    'web/a.ts': `import type { Outcome } from '../src/proof/measure.ts'`,
    'web/b.ts': `import { measure } from '../src/proof/measure.ts'`,
    'web/c.ts': `import type { Tenant } from '../src/modules/tenancy/index.ts'`,
  })
  assert.deepEqual(found, [
    'web/b.ts:1: imports src/proof/measure.ts; web may import only types from src',
    'web/c.ts:1: imports src/modules/tenancy/index.ts; web may import proof, kernel',
  ])
})

test('pg is imported by the data layer alone, and by tests', () => {
  const found = violations({
    'src/data/pool.ts': `import pg from 'pg'`,
    'src/modules/tenancy/registry.ts': `import pg from 'pg'`,
    'src/modules/tenancy/registry.test.ts': `import pg from 'pg'`,
    'test/support/servers.ts': `import pg from 'pg'`,
  })
  assert.deepEqual(found, ['src/modules/tenancy/registry.ts:1: only data may import the package pg'])
})

test('product code does not import from test or scripts, and lives in a known layer', () => {
  const found = violations({
    'src/http/server.ts': `import { testRedis } from '../../test/support/servers.ts'`,
    'src/misc/thing.ts': `import { x } from './x.ts'`,
  })
  assert.equal(found.length, 2)
  assert.match(found[0] ?? '', /http may import/)
  assert.match(found[1] ?? '', /is in no layer/)
})
