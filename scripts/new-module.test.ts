import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { copyRepository } from '../test/support/checkout.ts'

const PARTS = [
  'package.json',
  'scripts',
  'src/kernel',
  'src/proof',
  'test/support/probe.ts',
  'tsconfig.json',
  'biome.json',
  '.gitignore',
]

test('a new module has the right types, format and green tests', async (t) => {
  const folder = checkout(t)
  const made = await node(folder, ['scripts/new-module.ts', 'push-mail'])
  assert.equal(made.code, 0, made.output)
  assert.deepEqual(readdirSync(join(folder, 'src/modules/push-mail')).sort(), [
    'index.ts',
    'measures',
    'push-mail.test.ts',
    'push-mail.ts',
  ])
  const lint = await node(folder, [
    'node_modules/@biomejs/biome/bin/biome',
    'check',
    '--vcs-enabled=false',
    'src/modules',
  ])
  assert.equal(lint.code, 0, lint.output)
  const types = await node(folder, ['node_modules/typescript/bin/tsc', '--noEmit', '--incremental', 'false'])
  const errors = types.output.split('\n').filter((line) => line.startsWith('src/modules/'))
  assert.deepEqual(errors, [])
  const tests = await node(folder, ['--test', 'src/modules/push-mail/**/*.test.ts'])
  assert.match(tests.output, /pass 4/)
  assert.equal(tests.code, 0, tests.output)
})

test('a module that exists is not overwritten', async (t) => {
  const folder = checkout(t)
  await node(folder, ['scripts/new-module.ts', 'billing'])
  const again = await node(folder, ['scripts/new-module.ts', 'billing'])
  assert.equal(again.code, 2)
  assert.match(again.output, /src\/modules\/billing exists already/)
})

for (const name of ['', 'Billing', '../billing', 'bill_ing', '-x'])
  test(`"${name}" is refused as a module's name`, async (t) => {
    const { code, output } = await node(checkout(t), ['scripts/new-module.ts', name])
    assert.equal(code, 2)
    assert.match(output, /Usage|is not a name/)
  })

function checkout(t: TestContext): string {
  const folder = copyRepository(PARTS, {})
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

function node(folder: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  // Without the runner's own variables, so that the inner `--test` prints for a reader.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, { cwd: folder, env }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? 1, output: stdout + stderr }),
    )
  })
}
